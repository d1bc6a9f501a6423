"""A column that repeats its parent's, so that a check on one table can speak of the other."""

from typing import Any

from django.db.models.constraints import BaseConstraint

__all__ = ["Repeats"]


class Repeats(BaseConstraint):
    """`field` has the value that it has in the row to which `through` points: a foreign key over both columns.

    The parent needs a unique constraint over its primary key and the field. Like every foreign key it is looked at
    when the transaction ends.
    """

    def __init__(self, *, through: str, field: str, name: str) -> None:
        super().__init__(name=name)
        self.through = through
        self.field = field

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        pointer, field = model._meta.get_field(self.through), model._meta.get_field(self.field)
        parent = pointer.related_model._meta
        own = f"{quote(pointer.column)}, {quote(field.column)}"
        its = f"{quote(parent.pk.column)}, {quote(parent.get_field(self.field).column)}"
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({own}) REFERENCES {quote(parent.db_table)} ({its}) "
            "DEFERRABLE INITIALLY DEFERRED"
        )

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        table = schema_editor.quote_name(model._meta.db_table)
        return f"ALTER TABLE {table} ADD {self.constraint_sql(model, schema_editor)}"

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Left to the database: forms never make such rows."""

    def deconstruct(self) -> Any:
        path, arguments, options = super().deconstruct()
        return path, arguments, options | {"through": self.through, "field": self.field}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repeats) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)

"""Composite foreign keys, which let a check constraint on one table depend on a column of another."""

from typing import Any

from django.db.models.constraints import BaseConstraint

__all__ = ["CompositeForeignKey"]


class CompositeForeignKey(BaseConstraint):
    """A foreign key over two columns: `field` must equal the same field of the row that `through` points to.

    The parent needs a unique constraint over its primary key and the field. Like every foreign key of Django's, it is
    checked at the end of the transaction.
    """

    def __init__(self, *, through: str, field: str, name: str) -> None:
        super().__init__(name=name)
        self.through = through
        self.field = field

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        foreign_key, field = model._meta.get_field(self.through), model._meta.get_field(self.field)
        parent = foreign_key.related_model._meta
        columns = f"{quote(foreign_key.column)}, {quote(field.column)}"
        parent_columns = f"{quote(parent.pk.column)}, {quote(parent.get_field(self.field).column)}"
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({columns}) "
            f"REFERENCES {quote(parent.db_table)} ({parent_columns}) "
            "DEFERRABLE INITIALLY DEFERRED"
        )

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        table = schema_editor.quote_name(model._meta.db_table)
        return f"ALTER TABLE {table} ADD {self.constraint_sql(model, schema_editor)}"

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Left to the database: no form creates such rows."""

    def deconstruct(self) -> Any:
        path, arguments, options = super().deconstruct()
        return path, arguments, options | {"through": self.through, "field": self.field}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompositeForeignKey) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)

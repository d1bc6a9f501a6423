"""The file `.env`."""

import pytest

from common.env_file import InvalidFile, read, unset_variables


def test_a_value_may_be_quoted_exported_and_commented(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# heading\n\nA=1\nexport B = 'two words # kept'\nC=three # left out\nD=\nE=\"a=b\"\nF=a#b\n")
    expected = {"A": "1", "B": "two words # kept", "C": "three", "D": "", "E": "a=b", "F": "a#b"}
    assert read(file) == expected


def test_a_comment_may_follow_the_quotes_and_nothing_inside_them_is_expanded(tmp_path):
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfA=\"x # y\"  # comment\r\nB='$HOME \\n'\r\nC=# nothing\r\n")
    assert read(file) == {"A": "x # y", "B": "$HOME \\n", "C": ""}


def test_a_missing_file_sets_nothing(tmp_path):
    assert read(tmp_path / ".env") == {}


@pytest.mark.parametrize("line", ["set B to 2", "B='one", 'B="-----BEGIN KEY-----', "B='it's' x"])
def test_an_invalid_line_is_reported_with_its_number(tmp_path, line):
    file = tmp_path / ".env"
    file.write_text(f"A=1\n{line}\n")
    with pytest.raises(InvalidFile, match="line 2"):
        read(file)


def test_the_environment_wins_also_where_it_names_a_file_with_the_value(tmp_path):
    (tmp_path / ".env").write_text("A=file\nB=file\nC_FILE=/file\nD=file\n")
    environ = {"A": "shell", "B_FILE": "/shell", "C": "shell"}
    assert unset_variables(tmp_path, environ) == {"D": "file"}


def test_env_file_names_another_file_or_none(tmp_path):
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / "production").write_text("A=2\n")
    assert unset_variables(tmp_path, {}) == {"A": "1"}
    assert unset_variables(tmp_path, {"ENV_FILE": "production"}) == {"A": "2"}
    assert unset_variables(tmp_path, {"ENV_FILE": ""}) == {}
    with pytest.raises(InvalidFile, match="does not exist"):
        unset_variables(tmp_path, {"ENV_FILE": "nowhere"})

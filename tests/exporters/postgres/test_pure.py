"""What is decided without a server: statements by version, rows to columns, causes, what the site may ask."""

from weakref import WeakSet

import pytest

from exporters.postgres import SUBJECTS, queries
from exporters.postgres.causes import explained
from exporters.postgres.rows import PackedKeys, PackedShape, Shape, python_encoding
from exporters.postgres.table import Table, Value
from metrics.model import Column, Gauge, Packed
from settings import SettingsError, parse

A, B = Gauge("a", "A.", labels=("n",)), Gauge("b", "B.", labels=("n",))
TABLE = Table((Value(A, "x"), Value(B, "y", since=170_000)), "FROM {schema}.t", ("n",), since=140_000)
INT, TEXT, BOOL = 20, 25, 16


def test_a_statement_is_made_for_the_servers_version() -> None:
    assert TABLE.sql(130_005) == ""
    assert TABLE.sql(160_001, "s") == "SELECT n, x FROM s.t"
    assert TABLE.sql(180_000, "s") == "SELECT n, x, y FROM s.t"
    assert TABLE.metrics(160_000) == (A,)


def test_a_wide_table_comes_in_one_row_and_shares_its_keys() -> None:
    known: WeakSet[PackedKeys] = WeakSet()
    first, second = (PackedShape((A,), 1, "utf-8", known) for _ in range(2))
    packed = [(b"2", rb"two\nlines \\n" + b"\n\xff", b"\n7")]
    ((_, _, column),) = first.samples(packed, ())
    ((_, _, other),) = second.samples(packed, ())
    assert isinstance(column, Column)
    assert isinstance(other, Column)
    assert column.keys is other.keys
    assert column.keys.rows == [("two\nlines \\n",), ("\udcff",)]
    assert column.unpacked() == [None, b"7"]
    assert list(first.samples([(b"0", None, None)], ())) == []
    with pytest.raises(ValueError, match="2 values, not 3"):
        Packed(b"1\n2", 3).unpacked()


def test_labels_must_fit() -> None:
    with pytest.raises(ValueError, match="a: has 1 labels, its table 2"):
        Table((Value(A, "x"),), "", ("n", "m"))


@pytest.mark.parametrize("version", [130_023, 140_000, 150_018, 160_014, 170_010, 180_004])
def test_checkpoints_are_told_at_every_version_once(version: int) -> None:
    names = {metric.name for subject in SUBJECTS for table in subject.tables for metric in table.metrics(version)}
    old, new = "pg_stat_bgwriter_checkpoints_req_total" in names, "pg_stat_checkpointer_num_requested_total" in names
    assert (old, new) == (version < 170_000, version >= 170_000)
    assert ("pg_stat_io_reads_total" in names) == (version >= 160_000)


def test_keys_stay_the_same_object_while_the_labels_do() -> None:
    shape = Shape((A, B), 1)
    (first, _), (again, _) = (list(shape.samples([(b"x", b"1", None), (b"y", b"2", b"t")], (TEXT, INT, BOOL))) for _ in range(2))
    ((_, other),) = [list(shape.samples([(b"x", b"1", b"f")], (TEXT, INT, BOOL)))]
    assert isinstance(first[2], Column)
    assert isinstance(again[2], Column)
    assert isinstance(other[2], Column)
    assert first[2].keys is again[2].keys
    assert first[2].keys.rows == [("x",), ("y",)]
    assert (first[2].values, other[2].values) == ((b"1", b"2"), (0,))


def test_rows_that_share_their_labels_and_texts_for_values_are_refused() -> None:
    with pytest.raises(ValueError, match="two rows have the same labels"):
        list(Shape((A,), 1).samples([(b"x", b"1"), (b"x", b"2")], (TEXT, INT)))
    with pytest.raises(ValueError, match="is no number"):
        list(Shape((A,), 1).samples([(b"x", b"many")], (TEXT, TEXT)))


@pytest.mark.parametrize(
    ("name", "codec"),
    [("UTF8", "utf-8"), ("LATIN1", "iso8859-1"), ("WIN1252", "cp1252"), ("EUC_JP", "euc_jp"), ("KLINGON", "utf-8")],
)
def test_encodings(name: str, codec: str) -> None:
    assert python_encoding(name) == codec


def test_a_cause_that_nobody_knows_is_other_and_one_line() -> None:
    error = explained("something\n  new")
    assert (error.cause, str(error)) == ("other", "something new")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"sql": "DELETE FROM orders"}, "is not one statement that reads"),
        ({"sql": "SELECT 1 AS n; DROP TABLE orders"}, "is not one statement that reads"),
        ({"columns": {"n": {"kind": "label"}}}, "hold no value"),
        ({"name": "locks"}, "'locks' is taken"),
    ],
)
def test_a_query_that_cannot_be_is_refused(query: dict[str, object], said: str) -> None:
    wanted = {"name": "mine", "sql": "SELECT 1 AS n", "columns": {"n": {"kind": "gauge", "help": "N."}}} | query
    site = parse(str({"exporters": {"postgres": {"queries": [wanted]}}}).replace("'", '"'))
    with pytest.raises(SettingsError) as caught:
        queries.subjects(site.exporters.postgres.queries, {"locks"})
    assert said in str(caught.value)


@pytest.mark.parametrize("dsn", ["host=a password=x", "postgresql://user:secret@host/db", "sslpassword = x"])
def test_a_password_in_a_dsn_is_refused_without_repeating_it(dsn: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(f'exporters: {{postgres: {{targets: [{{name: a, dsn: "{dsn}"}}]}}}}')
    assert "password_file" in str(caught.value)

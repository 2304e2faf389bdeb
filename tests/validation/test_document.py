"""The report of a validation as blocks and pages."""

import re

from foramgrade.validation import Heading, Paragraph, Picture, Table, write_document, write_html, write_markdown


def test_the_report_tells_methods_measures_growth_repeats_fat_and_limits(validation) -> None:
    blocks = write_document(validation)
    headings = [block.text for block in blocks if isinstance(block, Heading)]
    assert headings == [
        "Methods",
        "Measures: clinical-2d",
        "Growth of errors with edge noise",
        "Repeats",
        "Grades on these spines",
        "Perineural fat, borders and grades",
        "What this does not say",
    ]
    first = next(block for block in blocks if isinstance(block, Paragraph))
    assert "foramgrade 1.2.3, seed 7, 3 random spines per protocol" in first.text
    for table in (block for block in blocks if isinstance(block, Table)):
        assert {len(row) for row in table.rows} <= {len(table.head)}
        assert table.rows


def test_numbers_are_those_that_were_put_in(validation) -> None:
    (table,) = [b for b in write_document(validation) if isinstance(b, Table) and b.caption.startswith("Measured")]
    area = dict(zip(table.head, table.rows[0], strict=True))
    assert (area["Quantity"], area["n"], area["Missing"]) == ("area_mm2", "30", "0")
    assert 1.5 < float(area["Bias"]) < 2.5


def test_html_needs_nothing_else_and_escapes() -> None:
    hostile = "<script>alert('x')</script> & \"quotes\""
    blocks = [Heading(hostile), Paragraph(hostile), Picture("one", hostile), Table(hostile, (hostile,), ((hostile,),))]
    page = write_html(hostile, blocks, {"one": b"<svg/>"})
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    assert page.count("&lt;script&gt;") == 9  # title, heading and the like: one or two each


def test_markdown_keeps_its_tables_whole() -> None:
    text = write_markdown("T", [Table("C", ("a", "b"), (("x|y", "1"),)), Picture("p", "what")], folder="files")
    assert text == "# T\n\n**C**\n\n| a | b |\n| --- | --: |\n| x/y | 1 |\n\n![what](files/p.svg)\n"

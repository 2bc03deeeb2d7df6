"""Every file of the corpus is read as the table says.

The project's own files are in `corpus/`. A corpus of files found elsewhere, which are not ours to
ship, is read too where it is at hand.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from apps.edi.reader import chunks_of
from tests.edi.reading import Reading, expected, reading_of

OURS = Path(__file__).parent / "corpus"
ROOT = Path(__file__).resolve().parents[2]
THEIRS = Path(os.environ.get("HERON_EDI_CORPUS", ROOT.parent / "shared" / "edi_corpus"))

TABLE = {
    "bad_group.edi": "1 messages, 0 faulty, codes 28 29",
    "bad_tags.edi": "1 messages, 1 faulty, codes 12",
    "bad_unb_date.edi": "1 messages, 0 faulty, codes 12",
    "bad_unt_count.edi": "1 messages, 1 faulty, codes 29",
    "bad_unt_ref.edi": "1 messages, 1 faulty, codes 28",
    "bad_unz_count.edi": "1 messages, 0 faulty, codes 29",
    "bare_message.edi": "1 messages, 1 faulty, codes 33",
    "bom_tabs_wrapped.edi": "1 messages, 0 faulty",
    "empty.edi": "0 messages, 0 faulty, fatal 13 @0",
    "garbage.edi": "0 messages, 0 faulty, fatal 13 @0",
    "information_separators.edi": "1 messages, 0 faulty",
    "latin1_in_unoc.edi": "1 messages, 0 faulty",
    "missing_unt.edi": "2 messages, 1 faulty, codes 13",
    "missing_unz_before_unb.edi": "2 messages, 0 faulty, codes 13",
    "mixed_groups.edi": "2 messages, 0 faulty, codes 30",
    "no_message.edi": "0 messages, 0 faulty, codes 32",
    "no_unz.edi": "1 messages, 0 faulty, codes 13",
    "nul_in_text.edi": "1 messages, 1 faulty, codes 21",
    "ok.edi": "1 messages, 0 faulty",
    "orders_two.edi": "2 messages, 0 faulty",
    "padded_at_the_end.edi": "1 messages, 0 faulty",
    "reference_twice.edi": "2 messages, 1 faulty, codes 26",
    "release.edi": "1 messages, 0 faulty",
    "release_at_the_end.edi": "1 messages, 0 faulty",
    "stray_segments.edi": "1 messages, 0 faulty, codes 33",
    "supplier.xml": "0 messages, 0 faulty, fatal 13 @0",
    "tradacoms.edi": "0 messages, 0 faulty, fatal 13 @0",
    "truncated_headers.edi": "1 messages, 1 faulty, codes 13 28",
    "truncated_mid_segment.edi": "1 messages, 1 faulty, codes 13, fatal 13 @60",
    "two_interchanges_two_unas.edi": "2 messages, 0 faulty",
    "una_all_changed.edi": "1 messages, 0 faulty",
    "una_cut.edi": "0 messages, 0 faulty, fatal 13 @0",
    "una_not_needed.edi": "2 messages, 0 faulty",
    "una_twice_the_same.edi": "0 messages, 0 faulty, fatal 22 @0",
    "ung.edi": "1 messages, 0 faulty",
    "unknown_syntax.edi": "1 messages, 0 faulty, codes 12",
    "unob_lower.edi": "1 messages, 0 faulty",
    "utf8_in_unoa.edi": "1 messages, 1 faulty, codes 21",
    "x12_850.edi": "2 messages, 0 faulty",
    "x12_bad_date.edi": "1 messages, 0 faulty, codes TA1*014",
    "x12_cut.edi": "1 messages, 1 faulty, codes AK5*2 TA1*023, fatal TA1*023 @186",
    "x12_newline_terminator.edi": "1 messages, 0 faulty",
    "x12_no_ge.edi": "1 messages, 0 faulty, codes AK9*3",
    "x12_no_gs.edi": "1 messages, 1 faulty, codes TA1*022",
    "x12_no_iea.edi": "1 messages, 0 faulty, codes TA1*023",
    "x12_no_se.edi": "2 messages, 1 faulty, codes AK5*2",
    "x12_reference_twice.edi": "2 messages, 1 faulty, codes AK5*23",
    "x12_short_isa.edi": "0 messages, 0 faulty, fatal TA1*024 @0",
    "x12_two_isa.edi": "2 messages, 0 faulty",
    "x12_wrapped_80_columns.edi": "1 messages, 0 faulty",
    "x12_wrong_counts.edi": "1 messages, 1 faulty, codes AK5*3 AK5*4 AK9*4 AK9*5 TA1*001 TA1*021",
}

#: Where the reader decides otherwise than the reference that came with the corpus, and why.
OTHERWISE = {
    # TA1 024 it is for both; we write which acknowledgement the code belongs to.
    "x12_850_bom_nbsp_isa.edi": "0 messages, 0 faulty, fatal TA1*024 @3",
    "x12_810_short_isa.edi": "0 messages, 0 faulty, fatal TA1*024 @3",
    # Line ends inside the ISA are taken out, as the file's own source expects.
    "x12_210_wrapped_80col.edi": "1 messages, 0 faulty",
    # 0017 holds no 99th day: a wrong value, code 12.
    "synthetic/baddate.edi": "1 messages, 0 faulty, codes 12",
    # No UNA, UNB or ISA: a part is missing, code 13.
    "synthetic/empty.edi": "0 messages, 0 faulty, fatal 13 @0",
    "synthetic/garbage.edi": "0 messages, 0 faulty, fatal 13 @0",
    # The message that the end of the file cuts is reported, not lost.
    "synthetic/truncated_mid_segment.edi": "1 messages, 1 faulty, codes 13, fatal 13 @60",
}


def test_the_table_has_a_line_for_each_file() -> None:
    assert sorted(TABLE) == sorted(path.name for path in OURS.iterdir())


@pytest.mark.parametrize("name", sorted(TABLE))
def test_our_files_are_read_as_the_table_says(name: str) -> None:
    with (OURS / name).open("rb") as file:
        assert reading_of(chunks_of(file)) == expected(TABLE[name])


@pytest.mark.skipif(not THEIRS.is_dir(), reason="the corpus of found files is not here")
def test_found_files_are_read_as_their_manifest_says() -> None:
    manifest = json.loads((THEIRS / "manifest.json").read_text())
    assert manifest

    wrong = {}
    for entry in manifest:
        name = entry["file"]
        with (THEIRS / name).open("rb") as file:
            reading = reading_of(chunks_of(file))
        wanted = (
            expected(OTHERWISE[name])
            if name in OTHERWISE
            else _referred(entry["reading_of_a_reference_reader"])
        )
        if reading != wanted:
            wrong[name] = (reading, wanted)

    assert wrong == {}


def _referred(line: str) -> Reading:
    """Read what the manifest's reference reader said."""
    _standard, messages, faulty, *rest = line.split(", ")
    codes = next((part.removeprefix("codes ") for part in rest if part.startswith("codes ")), "")
    fatal = next((part.removeprefix("FATAL ") for part in rest if part.startswith("FATAL ")), "")
    return Reading(
        messages=int(messages.split()[0]),
        faulty=int(faulty.split()[0]),
        codes=codes,
        fatal=fatal,
    )

"""The file formats there are."""

from __future__ import annotations

from .base import Format, LookUp, Read
from .csv_file import CsvFile
from .fec_file import FecFile
from .pdf import PdfFile
from .xlsx_file import XlsxFile

#: By name.
FORMATS: dict[str, Format] = {
    each.name: each for each in (XlsxFile(), CsvFile(), PdfFile(), FecFile())
}

__all__ = ["FORMATS", "Format", "LookUp", "Read"]

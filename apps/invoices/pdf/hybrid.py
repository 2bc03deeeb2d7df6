"""The PDF with its data inside: Factur-X, a PDF/A-3 that carries the invoice as XML.

The factur-x library could do this too, but writes the time of day into the file: the same invoice
would have other bytes each time. So its metadata are used, with the invoice's own date.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from hashlib import md5
from io import BytesIO

import facturx
from lxml import etree
from PIL import ImageCms
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    PdfObject,
    TextStringObject,
)

#: The name that Factur-X prescribes.
FILE_NAME = "factur-x.xml"
CREATOR = "Heron"
PRODUCER = "ReportLab, pypdf"
#: Where an ICC profile says when it was made, and a time for it.
ICC_TIME = slice(24, 36)
ICC_TIME_ZERO = bytes((0x07, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))


def embed(drawn: bytes, xml: bytes, *, day: date, title: str, author: str, subject: str) -> bytes:
    """Put the data into a drawn PDF, and what makes it a PDF/A-3."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(drawn)))
    writer.pdf_header = "%PDF-1.7"
    root = writer.root_object
    described = writer._add_object(_file(writer, xml, day))
    root[NameObject("/AF")] = ArrayObject([described])
    root[NameObject("/Names")] = _dictionary(
        EmbeddedFiles=_dictionary(Names=ArrayObject([TextStringObject(FILE_NAME), described]))
    )
    root[NameObject("/OutputIntents")] = ArrayObject([writer._add_object(_colours(writer))])
    metadata = _stream(
        _xmp(day, title, author, subject), Type=NameObject("/Metadata"), Subtype=NameObject("/XML")
    )
    root[NameObject("/Metadata")] = writer._add_object(metadata)
    writer.add_metadata(
        {
            "/Title": title,
            "/Author": author,
            "/Subject": subject,
            "/Keywords": "",
            "/Creator": CREATOR,
            "/Producer": PRODUCER,
            "/CreationDate": _pdf_day(day),
            "/ModDate": _pdf_day(day),
        }
    )
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _file(writer: PdfWriter, xml: bytes, day: date) -> DictionaryObject:
    content = _stream(
        xml,
        Type=NameObject("/EmbeddedFile"),
        Subtype=NameObject("/text/xml"),
        Params=_dictionary(
            ModDate=TextStringObject(_pdf_day(day)),
            Size=NumberObject(len(xml)),
            CheckSum=ByteStringObject(md5(xml, usedforsecurity=False).digest()),
        ),
    )
    reference = writer._add_object(content.flate_encode())
    name = TextStringObject(FILE_NAME)
    return _dictionary(
        Type=NameObject("/Filespec"),
        AFRelationship=NameObject("/Data"),
        Desc=TextStringObject("Factur-X"),
        F=name,
        UF=name,
        EF=_dictionary(F=reference, UF=reference),
    )


def _colours(writer: PdfWriter) -> DictionaryObject:
    """Say which colours are meant: those of sRGB."""
    profile = _stream(_srgb(), N=NumberObject(3))
    name = TextStringObject("sRGB")
    return _dictionary(
        Type=NameObject("/OutputIntent"),
        S=NameObject("/GTS_PDFA1"),
        OutputConditionIdentifier=name,
        Info=name,
        DestOutputProfile=writer._add_object(profile.flate_encode()),
    )


@cache
def _srgb() -> bytes:
    """Make the colour profile, without the time at which it was made."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[ICC_TIME] = ICC_TIME_ZERO
    return bytes(profile)


def _xmp(day: date, title: str, author: str, subject: str) -> bytes:
    root = facturx.generate_xmp_object(
        {
            "pdfa3_flavor": "B",
            "title": title,
            "author": author,
            "subject": subject,
            "producer": PRODUCER,
            "creator_tool": CREATOR,
            "timestamp": f"{day.isoformat()}T00:00:00+00:00",
            "version": "1.0",
            "documenttype": "INVOICE",
            "xml_filename": FILE_NAME,
            "xmp_level": "EN 16931",
            "urn": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
        }
    )
    packet = etree.tostring(root, pretty_print=True, encoding="unicode").strip()
    head = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    return f'{head}\n{packet}\n<?xpacket end="w"?>'.encode()


def _pdf_day(day: date) -> str:
    return f"D:{day:%Y%m%d}000000+00'00'"


def _dictionary(**entries: PdfObject) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{name}"): entry for name, entry in entries.items()})


def _stream(content: bytes, **entries: PdfObject) -> DecodedStreamObject:
    stream = DecodedStreamObject()
    stream.set_data(content)
    stream.update(_dictionary(**entries))
    return stream

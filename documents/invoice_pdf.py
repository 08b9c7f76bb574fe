"""An invoice or a credit note as a PDF: archivable (PDF/A-3a) and tagged (PDF/UA-1)."""

import atexit
import io
import re
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from weasyprint import CSS, HTML
from weasyprint.css import ColorProfile
from weasyprint.document import Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from documents.formats import formats_for
from documents.page import page_of
from documents.view import InvoiceView

VARIANT: Final = "pdf/a-3a"
COLOURS: Final = "bundled"
COLOUR_PROFILE: Final = Path(str(resources.files("weasyprint.pdf"))) / "sRGB2014.icc"
FOLDER: Final = Path(str(resources.files("documents")))
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PDFUA: Final = "http://www.aiim.org/pdfua/ns/id/"
UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
PDFUA_PART: Final = "1"
EXTENSIONS: Final = {
    "pdfaExtension": "http://www.aiim.org/pdfa/ns/extension/",
    "pdfaSchema": "http://www.aiim.org/pdfa/ns/schema#",
    "pdfaProperty": "http://www.aiim.org/pdfa/ns/property#",
}
for prefix, name in EXTENSIONS.items():
    ET.register_namespace(prefix, name)  # PDF/A asks for these very prefixes


UA_METADATA: Final = f"""
<rdf:RDF xmlns:rdf="{RDF}" xmlns:pdfuaid="{PDFUA}"
    {" ".join(f'xmlns:{prefix}="{name}"' for prefix, name in EXTENSIONS.items())}>
  <rdf:Description rdf:about="" pdfuaid:part="{PDFUA_PART}"/>
  <rdf:Description rdf:about="">
    <pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
      <pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
      <pdfaSchema:namespaceURI>{PDFUA}</pdfaSchema:namespaceURI>
      <pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
      <pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
        <pdfaProperty:name>part</pdfaProperty:name>
        <pdfaProperty:valueType>Integer</pdfaProperty:valueType>
        <pdfaProperty:category>internal</pdfaProperty:category>
        <pdfaProperty:description>Part of ISO 14289 that the document conforms to</pdfaProperty:description>
      </rdf:li></rdf:Seq></pdfaSchema:property>
    </rdf:li></rdf:Bag></pdfaExtension:schemas>
  </rdf:Description>
</rdf:RDF>
""".strip()


class NothingFromOutside(URLFetcher):  # type: ignore[misc]  # the library has no types
    """Opens the fonts beside this file and nothing else: no text on an invoice makes us fetch something."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return a bundled file; raise ValueError for any other address."""
        if not url.startswith((FOLDER / "fonts").as_uri() + "/"):
            raise ValueError(f"not part of the document: {url}")
        return super().fetch(url, headers)


class FileColours(ColorProfile):  # type: ignore[misc]  # the library has no types
    """A colour profile that is embedded as its file is.

    The library would write out a parsed profile, whose bytes differ from the second time on.
    """

    def __init__(self, path: Path) -> None:
        self._bytes = path.read_bytes()
        super().__init__(io.BytesIO(self._bytes), path.name, "relative-colorimetric", (["r"], ["g"], ["b"]))

    @property
    def content(self) -> bytes:
        """Return the bytes to embed."""
        return self._bytes


class Renderer:
    """What is costly to make and the same for every document. One per process: `renderer()` keeps it."""

    def __init__(self) -> None:
        self._fetcher = NothingFromOutside()
        # The same font configuration must go to the style sheet and to each document, or @font-face is lost.
        self._fonts = FontConfiguration()
        self._style = CSS(
            filename=FOLDER / "templates" / "invoice.css", font_config=self._fonts, url_fetcher=self._fetcher
        )
        self._colours = FileColours(COLOUR_PROFILE)
        environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_printable,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template: Template = environment.get_template("invoice.html")

    def html(self, view: InvoiceView) -> str:
        """Return the page before layout."""
        formats = formats_for(view.language, view.currency)
        return self._template.render(view=view, page=page_of(view), labels=formats.labels, tag=formats.tag)

    def layout(self, view: InvoiceView) -> Document:
        """Return the pages, laid out."""
        return HTML(string=self.html(view), url_fetcher=self._fetcher).render(
            stylesheets=[self._style],
            font_config=self._fonts,
            color_profiles={COLOURS: self._colours},
        )

    def pdf(self, view: InvoiceView) -> bytes:
        """Return the PDF. Its dates are the document's own; no clock is read."""
        document = self.layout(view)
        _declare_tagged(document)
        written = document.write_pdf(pdf_variant=VARIANT, output_intent=COLOURS)
        assert isinstance(written, bytes)
        return written


def _printable(value: object) -> object:
    """Return a text without the characters that neither HTML nor the XML of the metadata can hold."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


@atexit.register
def _release() -> None:
    """Let go of the fonts while the library can still free them: at the very end of a process it can't."""
    renderer.cache_clear()


@lru_cache(maxsize=1)
def renderer() -> Renderer:
    """Return this process's renderer."""
    return Renderer()


def render(view: InvoiceView) -> bytes:
    """Return the PDF of a view: the same bytes for the same view, whenever the same versions run."""
    return renderer().pdf(view)


def _declare_tagged(document: Document) -> None:
    """Add the PDF/UA identification, with the extension schema that PDF/A asks for, inside the one RDF block.

    A second RDF block, which the library's own option would write, is valid, but other readers miss it.
    """
    generate = document.metadata.generate_rdf_metadata

    def with_ua(*arguments: object) -> bytes:
        root = ET.fromstring(generate(*arguments))  # noqa: S314 - our own text, made a moment ago
        root.extend(ET.fromstring(UA_METADATA))  # noqa: S314
        written: bytes = ET.tostring(root, encoding="utf-8")
        return written

    document.metadata.generate_rdf_metadata = with_ua

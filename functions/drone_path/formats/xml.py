"""Small XML documents, as KML and WPML need them."""

from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

KML = "http://www.opengis.net/kml/2.2"


def child(parent: Element, name: str, text: object = None, *, namespace: str = KML) -> Element:
    """Add an element, with a text if one is given."""
    element = SubElement(parent, f"{{{namespace}}}{name}")
    if text is not None:
        element.text = str(text)
    return element


def document() -> tuple[Element, Element]:
    """Make a KML file; gives its root and its Document."""
    root = Element(f"{{{KML}}}kml")
    return root, child(root, "Document")


def to_bytes(root: Element, *, prefixes: dict[str, str] | None = None) -> bytes:
    """Write a document, indented, with the namespaces' usual prefixes."""
    register_namespace("", KML)
    for prefix, namespace in (prefixes or {}).items():
        register_namespace(prefix, namespace)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}'.encode()

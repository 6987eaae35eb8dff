"""A software bill of materials in CycloneDX' JSON form, of the components of a frozen program."""

from __future__ import annotations

from pathlib import Path

from desktop import __version__
from desktop.system import licences
from desktop.system.licences import Component

NAME = "sbom.cdx.json"


def write(parts: list[Component], flavour: str, path: Path) -> None:
    """Write the bill for ``parts`` into ``path``."""
    path.write_text(text(parts, flavour), encoding="utf-8")


def text(parts: list[Component], flavour: str) -> str:
    """The bill as JSON text: Fovea, and everything that it contains."""
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component as Item
    from cyclonedx.model.component import ComponentType
    from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from packageurl import PackageURL

    bom = Bom()
    program = Item(
        name=f"Fovea ({flavour})",
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref="fovea",
        licenses=[LicenseExpression("Apache-2.0")],
    )
    bom.metadata.component = program
    items = []
    for part in parts:
        if part.name == "fovea":
            continue
        named = licences.UNKNOWN not in part.licence and "LicenseRef" not in part.licence
        licence = LicenseExpression(part.licence) if named else DisjunctiveLicense(name=part.licence)
        python = part.kind == "python package"
        pages = [part.homepage] if part.homepage else []
        items.append(
            Item(
                name=part.name,
                version=part.version or None,
                type=ComponentType.DATA if part.kind == "data" else ComponentType.LIBRARY,
                bom_ref=f"{'pypi' if python else 'system'}:{part.name}",
                licenses=[licence],
                purl=PackageURL("pypi", None, part.name, part.version) if python else None,
                external_references=[
                    ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(page)) for page in pages
                ],
            )
        )
    for item in items:
        bom.components.add(item)
    bom.register_dependency(program, items)
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)

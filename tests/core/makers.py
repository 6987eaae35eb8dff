"""Picture files made on the fly for the decoding tests, and the few that cannot be made."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from desktop.core.types import ImageSource

# 48×32, left half (200, 40, 40), right half (40, 60, 200), a white 12×8 block top left, drawn for these tests and
# encoded once with libheif and x265, for no installed package writes HEIC. The second one says 'turn me clockwise'.
HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0004fZDn*}000000000XXk=`10000000000aA{+700000000000000000000B57=I"
    "V*mgE07O6l0RRC200001p#T8@00000006T9001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn01j|zbZr0t000010002}"
    "X>f9I0002pX>en20001XXm(>m0RwOV0058x000009`FGC{rLC*01pFT0096PKmiN^|NjGU00093kN^M!000939=ZZRVE_RDDnbDP"
    "18@KU0|1Z!00RI30{|YNAb|yz>g1-mxCm%4AOHXZ10VnZ0{|gn00967L;=Bbz=;3=025<xY;ta6Y<K_x01W^JfB*mh6lrsCWdHyG"
    "00000KmY&$KmY&$C}V74Z~y=RFaQ7m0RR91AOHXW0ssI1@Bjb+0{{R2-~a#s0ssI25O8UDX#fBK00RgJ2mk;87-?{AVE_OC00000"
    "0RRC7fdT^sga7~lyKQ7)bN~PVuP6bp1o-WA&2X(fmG`T3ANtTX#Uyd~-Zp=$Xzd}-3%T`N>dh%O&4{LuX{G+k|Nqu0tn&r1bQ1sc"
    "1hiuhGho%^4gOuoEWgnIA?1w!`^$cU_2Ah#4|4{7f-hxFq;-7%DeTVNFDRZp)odIkY))gZ^j1yloD4+UyvSuavq)g2+$eehJdV^)"
    "*_v(af{}5BK^%>V+*%{wxqsl5`>Y%;?<O(cV2WYE9uJ3r"
)
HEIC_TURNED = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0005VZDn*}000000000XXk=`10000000000aA{+700000000000000000000G-+&a"
    "V*mgE07O6l0ssL300001>;M4(00000006T90ssI200N%?0RR9100000Bme*aIB98aW&i*H00062000$fZf0cy000000RRAKc4ILB"
    "0000LX>Mj^0ssI300IC2MR;ju000004sdC7Z2$lO00031009SSaB^?}008D`aAR)(004Gqc4I>U18@KU0FVFx0000U@BsY%`1k+-"
    "4+CHT0RR|40Sp2E{{wIU00RJ!0009300RIXx&lC90096hLID8-Z~y=U0FVFx0{{R603M(qfd!W8<fgf}2xu@M00096AOHXZ03l)k"
    "0RRR>0l{;?i2wiq6Ju{|a&BX6cmM$a4FCp!0000KX>)L8000000000$0000$0000eV{Bn?0000m000010000W00001|NsB+00002"
    "|NsBs000020000GaA|mH000000|*ER00009X>xCL0{{R38EJ5BVE_OC000000RRC8fdT^sgoXeB02*m>Wo7^X0000001jhhb7KGk"
    "009620002rZDe6|00025C;_ho`0aGfaIHO+_p5Xt`p`DTBysrOHh-&V?IF(#x%FJ?%_%m`h^CNfrT)tQ|JEt2^98VU694oBv||r5"
    "VAbRe{$0o{ztI07<&6LP%YK6O;MqA3a|V8bFJ(=nb$tIR?9SXTD4splY#b$QPGhh1R!!@i3`E<!$YnXRNMNPhD0%@rj?_=tnr-ZY"
    "k#U7V9F2+GS|i`Nf8dq-tQ;=yCNbV%iebSX4~KvN000I>cxh$;08LE*DgXcg2mk>A5&#1L000311^@s60000"
)


def quadrants(width: int = 48, height: int = 32) -> Image.Image:
    """Red, green, blue and white quarters: tells every one of the eight orientations apart."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (220, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 200, 30)
    pixels[height // 2 :, : width // 2] = (30, 30, 220)
    pixels[height // 2 :, width // 2 :] = 250
    return Image.fromarray(pixels)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """``picture`` as the bytes of a file of ``kind``."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def source(data: bytes, frame: int = 0) -> ImageSource:
    """``data`` as an image source."""
    return ImageSource("picture", data=data, frame=frame)


def grey_ramp(width: int = 256, height: int = 16) -> np.ndarray:
    """A uint16 ramp from 1000 to 41000, two hot pixels in it."""
    ramp = np.linspace(1000, 41000, width).astype(np.uint16)
    values = np.repeat(ramp[None, :], height, axis=0)
    values[0, 0], values[1, 1] = 0, 65535
    return values


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, body: bytes, *extra: bytes, bits: int = 8, colour: int = 0) -> bytes:
    """A PNG of the given header; ``body`` is the uncompressed pixel data, ``extra`` chunks go before it."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(body))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + data + png_chunk(b"IEND", b"")


def dicom_bytes(pixels: np.ndarray | None = None, syntax: str | None = None, **elements: Any) -> bytes:
    """A small DICOM file; ``pixels`` (frames, rows, columns[, 3]) or without frames; ``elements`` by keyword."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    dataset: Any = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax or pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = "ID-4711"
    if pixels is not None:
        colour = pixels.ndim >= 3 and pixels.shape[-1] == 3
        shape = pixels.shape[:-1] if colour else pixels.shape
        dataset.Rows, dataset.Columns = shape[-2:]
        if len(shape) == 3:
            dataset.NumberOfFrames = shape[0]
        dataset.SamplesPerPixel = 3 if colour else 1
        dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        if colour:
            dataset.PlanarConfiguration = 0
        dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        data = pixels.tobytes()
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
    for keyword, value in elements.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def scan_of(path: Path, name: str, number: str = "4711", bare: bool = False) -> str:
    """Write a DICOM picture of this patient; ``bare``: without the preamble, as old programs do. Returns its path."""
    pixels = np.arange(12 * 10, dtype=np.uint8).reshape(10, 12)
    data = dicom_bytes(pixels, SpecificCharacterSet="ISO_IR 192", PatientName=name, PatientID=number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data[132:] if bare else data)
    return str(path)


def shipped_dicom(name: str) -> Path:
    """A test file that lies in the installed pydicom package itself (never downloaded)."""
    import pydicom.data

    return Path(pydicom.data.__file__).parent / "test_files" / name

"""Print the Debian packages that hold the shared libraries and fonts which Fovea's wheels need and this system lacks.

Looks by loading, not by asking the package manager: it takes a twentieth of a second and is right for libraries of
any origin. Runs under any Python 3, before anything is installed.
"""

import os
import sys

# Shared library -> Debian package. Found with `readelf -d` over the Qt libraries and plugins that Fovea loads;
# TensorFlow, LiteRT, OpenCV and the others bring all but the C and C++ runtime with them.
ALWAYS = {
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
    "libbrotlidec.so.1": "libbrotli1",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libxkbcommon.so.0": "libxkbcommon0",
}
# Only the window on a real display needs these (X11, then Wayland).
DISPLAY = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}


def loads(name: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def has_font() -> bool:
    """Whether any outline font is installed; Qt's text stays blank without one."""
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    roots = ["/usr/share/fonts", "/usr/local/share/fonts", os.path.expanduser("~/.fonts"), os.path.join(data, "fonts")]
    for root in roots:
        for _, _, names in os.walk(root):
            if any(name.lower().endswith((".ttf", ".otf", ".ttc", ".pfb")) for name in names):
                return True
    return False


def missing(display: bool) -> list[str]:
    wanted = dict(ALWAYS, **(DISPLAY if display else {}))
    try:
        import ctypes  # noqa: F401  # Debian's python3-minimal has none
    except ImportError:
        return sorted(set(wanted.values()) | {"fonts-dejavu-core", "ca-certificates"})
    packages = {package for library, package in wanted.items() if not loads(library)}
    if not has_font():
        packages.add("fonts-dejavu-core")
    if not os.path.isdir("/etc/ssl/certs"):
        packages.add("ca-certificates")
    return sorted(packages)


if __name__ == "__main__":
    # With the right to install, take everything; without it, do not ask for what only a display would use.
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    for package in missing(display=has_display or os.geteuid() == 0):
        sys.stdout.write(package + "\n")

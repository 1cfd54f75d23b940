"""What is dangerous to open: kinds of files that are refused unless a site names their type.

A kind is here if opening a file of it, by a double click or in a browser, runs what its maker
wrote, with what the platform ships. So a Python or shell script is not (it opens in an editor, and
no download is executable on Unix), nor an archive or a disk image (they only hold files), nor a
document with macros (the office asks first), nor XML; HTML and SVG are, because a page with a
script, on the bucket's own origin or from the disk, is how people are tricked into signing in.

Sources: Gmail's "File types blocked in Gmail", Outlook's "Blocked attachments in Outlook", the
associations of Windows, macOS and freedesktop.org.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Danger:
    """One kind: the content types that it goes by, and the extensions it is opened by."""

    types: frozenset[str]
    extensions: frozenset[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _danger(types: str, extensions: str) -> Danger:
    return Danger(_words(types), _words(extensions))


DANGERS = (
    # Programs of Windows, and libraries, which load a program's way.
    _danger(
        "application/vnd.microsoft.portable-executable application/x-msdownload"
        " application/x-msdos-program application/x-dosexec application/x-ms-dos-executable"
        " application/x-exe application/exe application/x-winexe application/dos-exe",
        "exe com scr pif cpl dll ocx sys drv efi xll",
    ),
    # Installers of Windows.
    _danger(
        "application/x-msi application/x-ms-installer application/x-windows-installer"
        " application/msix application/msixbundle application/appx application/appxbundle"
        " application/appinstaller application/x-ms-application",
        "msi msp mst msix msixbundle appx appxbundle appinstaller application appref-ms",
    ),
    # What Windows runs, or follows to something that it runs.
    _danger(
        "application/x-bat application/bat text/x-msdos-batch application/x-msdos-batch"
        " text/vbscript application/hta application/x-ms-shortcut text/x-ms-regedit"
        " application/x-powershell application/vnd.ms-htmlhelp application/x-mswinurl",
        "bat cmd vbs vbe wsf wsh wsc sct hta ps1 lnk url scf reg msc inf shb shs chm gadget"
        " diagcab settingcontent-ms library-ms search-ms searchconnector-ms theme themepack"
        " deskthemepack",
    ),
    # JavaScript: Windows runs it outside of any browser.
    _danger(
        "text/javascript application/javascript application/x-javascript text/ecmascript"
        " application/ecmascript text/jscript",
        "js jse mjs",
    ),
    # Java's archives, which run where Java is installed.
    _danger("application/java-archive application/x-java-jnlp-file", "jar jnlp"),
    # Programs, installers and settings of macOS and iOS.
    _danger(
        "application/x-mach-binary application/vnd.apple.installer+xml"
        " application/x-apple-installer application/x-newton-compatible-pkg"
        " application/x-apple-aspen-config",
        "app command tool terminal workflow action scpt osx pkg mpkg dylib inetloc fileloc"
        " mobileconfig",
    ),
    # Programs and packages of Linux and other Unixes.
    _danger(
        "application/x-executable application/x-pie-executable application/x-sharedlib"
        " application/x-elf application/x-desktop application/vnd.appimage application/x-appimage"
        " application/x-iso9660-appimage application/vnd.debian.binary-package"
        " application/x-debian-package application/x-deb application/x-rpm"
        " application/x-redhat-package-manager application/vnd.flatpak application/vnd.flatpak.ref"
        " application/vnd.snap",
        "desktop appimage run so deb rpm snap flatpak flatpakref",
    ),
    # Packages of Android.
    _danger("application/vnd.android.package-archive", "apk apks apkm xapk"),
    # Extensions of browsers, which offer to install them.
    _danger("application/x-xpinstall application/x-chrome-extension", "xpi crx"),
    # Pages, saved ones too.
    _danger(
        "text/html application/xhtml+xml multipart/related application/x-mimearchive",
        "html htm xhtml xht shtml mht mhtml",
    ),
    # Pictures that are pages.
    _danger("image/svg+xml", "svg svgz"),
)

# Dangers that a file's first bytes show by themselves, without any name: as libmagic, or
# ``files.detection``, names them.
EXECUTABLE = _words(
    "application/x-dosexec application/vnd.microsoft.portable-executable application/x-msi"
    " application/x-ms-shortcut application/vnd.ms-htmlhelp application/x-mach-binary"
    " application/x-executable application/x-pie-executable application/x-sharedlib"
    " application/vnd.debian.binary-package application/x-rpm"
)


def dangers(content_type: str, extension: str) -> Iterator[Danger]:
    """Yield the kinds of danger that a file's type or its extension stands for."""
    for danger in DANGERS:
        if content_type in danger.types or extension in danger.extensions:
            yield danger

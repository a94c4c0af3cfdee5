"""Archives as the pictures' authors offer them, made of a few small files."""

import io
import tarfile


def tar_gz(folder: str, files: dict[str, bytes]) -> bytes:
    """Return a packed folder with these files in it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()

"""What is painted, as coded properties of segments."""

from collections.abc import Mapping

from foramgrade.exports import codes
from foramgrade.exports.codes import Code
from foramgrade.exports.foramina import Structure

#: Category and type of what is painted.
PROPERTIES: Mapping[Structure, tuple[Code, Code]] = {
    Structure.OPENING: (codes.ANATOMICAL_STRUCTURE, codes.FORAMEN),
    Structure.ROOT: (codes.ANATOMICAL_STRUCTURE, codes.NERVE),
    Structure.FAT: (codes.TISSUE, codes.FAT),
}

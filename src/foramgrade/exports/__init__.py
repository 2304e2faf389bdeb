"""Files for other programs: images and label maps, DICOM objects, BIDS derivatives, and the folder of a study.

The names are listed in ``__init__.pyi`` and imported when first used: who writes tables draws no figures.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

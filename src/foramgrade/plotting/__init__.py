"""Pictures for review: a page per foramen, a sheet per study, and plots of agreement.

The lower layer draws on the Axes it is given and returns them; the upper layer composes a page. Nothing here opens a
window or keeps state between calls.

The names are listed in ``__init__.pyi`` and imported when first used: who writes tables draws no figures.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

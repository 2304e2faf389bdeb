"""foramgrade: lumbar neural foramina on MRI, measured and graded from explicit perineural-fat findings.

For research and teaching only; nothing here is a diagnosis. The public names are listed in ``__init__.pyi`` and
imported when first used, so that importing the package stays cheap.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

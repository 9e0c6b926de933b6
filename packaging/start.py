"""Where the frozen program begins."""

import os
import sys

# The boot loader of the frozen program points these at its own libraries; a program of the system that is started from
# here (a browser, nmcli) needs the system's.
for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
    before = os.environ.pop(f"{name}_ORIG", None)
    if before is not None:
        os.environ[name] = before
    else:
        os.environ.pop(name, None)
# Likewise where Qt's plugins are, which this program's Qt knows by itself: a browser or file manager that uses another
# Qt would load these.
for name in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):
    os.environ.pop(name, None)
# A second window (practice mode) is a program of its own, not a helper of this one.
os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"

from app.main import main  # noqa: E402 - after the environment is put right

sys.exit(main())

/* How libwdi is built for the driver helper: WinUSB only, 64-bit Windows only. */
#pragma once
#define OPT_M64
#define WDF_VER 1011
#define COINSTALLER_DIR "wdf"
#define X64_DIR "x64"
#define WDK_DIR "embedded by packaging/windows.py"
#define ENABLE_LOGGING 1
#define INCLUDE_DEBUG_LOGGING

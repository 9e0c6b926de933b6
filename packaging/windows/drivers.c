/*
 * Gives the boards of Rekindle the WinUSB driver in update mode (DFU), with libwdi, after one question of Windows.
 *
 *   rekindle-driver.exe BOARD [BOARD...]       ask Windows for permission, then install; BOARD as in --list
 *   rekindle-driver.exe --list                 the boards, one a line: name, vendor, product
 *   rekindle-driver.exe --extract FOLDER BOARD write what would be installed into FOLDER, install nothing
 *
 * It takes names of boards and never numbers: what runs with an administrator's rights can do nothing but this.
 *
 * It lies in a folder the person can write to, and so can any of their programs. What is done about that: it is held
 * open from before the question until the end, so that nobody exchanges it meanwhile; it loads nothing from its own
 * folder (all it is linked with are libraries Windows has loaded already); what it installs it unpacks itself, where
 * only administrators can write. Exchanging it before it is started is what only its signature tells, in the question.
 *
 * The table of boards is made by the build from the program's own (boards.h).
 *
 * Exit status: 0 done, 1 it failed, 2 wrong usage, 3 the person or the computer's rules said no, 4 the board must be
 * plugged in again (another installation is pending), 5 the rules of this computer forbid drivers it does not know.
 */
#ifndef UNICODE
#define UNICODE
#endif
#include <windows.h>
#include <objbase.h>
#include <shellapi.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include "libwdi.h"

struct known_board {
    const wchar_t *name;
    const char *title;
    unsigned short vendor, product;
};
#include "boards.h" /* static const struct known_board BOARDS[] */

#define NUMBER_OF_BOARDS ((int)(sizeof BOARDS / sizeof *BOARDS))
#define LONGEST_PATH 32768
#define LONGEST_FOLDER 200 /* libwdi's own limit is MAX_PATH, and it adds names */
#define WAIT_FOR_WINDOWS_MS 120000
#define WAIT_FOR_ALL_MS (15 * 60 * 1000) /* another installation may come first, and an old disk may be slow */

enum { DONE, FAILED, WRONG_USAGE, REFUSED, PENDING, FORBIDDEN };

static const struct known_board *find(const wchar_t *name)
{
    for (int number = 0; number < NUMBER_OF_BOARDS; number++)
        if (wcscmp(BOARDS[number].name, name) == 0)
            return &BOARDS[number];
    return NULL;
}

static int status_of(int result)
{
    switch (result) {
    case WDI_SUCCESS:
    case WDI_ERROR_EXISTS: /* this driver or a newer one is there */
        return DONE;
    case WDI_ERROR_USER_CANCEL:
    case WDI_ERROR_NEEDS_ADMIN:
    case WDI_ERROR_ACCESS:
        return REFUSED;
    case WDI_ERROR_PENDING_INSTALLATION:
    case WDI_ERROR_TIMEOUT:
        return PENDING;
    case WDI_ERROR_UNSIGNED:
        return FORBIDDEN;
    default:
        return FAILED;
    }
}

/* Write the driver's files of one board into a folder. */
static int prepare(const struct known_board *board, struct wdi_device_info *device, const char *folder, BOOL install)
{
    struct wdi_options_prepare_driver options;
    memset(&options, 0, sizeof options);
    options.driver_type = WDI_WINUSB;
    options.vendor_name = "Rekindle";
    options.disable_cat = options.disable_signing = !install;
    memset(device, 0, sizeof *device);
    device->vid = board->vendor;
    device->pid = board->product;
    device->desc = (char *)board->title;
    return wdi_prepare_driver(device, folder, "rekindle.inf", &options);
}

/* Install for every board of this kind that is plugged in, or for when one will be. */
static int install(const struct known_board *board, const char *folder)
{
    struct wdi_device_info device, *found = NULL, *each;
    struct wdi_options_create_list every;
    struct wdi_options_install_driver options;
    int result = prepare(board, &device, folder, TRUE);
    if (result != WDI_SUCCESS)
        return result;
    memset(&every, 0, sizeof every);
    every.list_all = TRUE;
    memset(&options, 0, sizeof options);
    options.pending_install_timeout = WAIT_FOR_WINDOWS_MS;
    BOOL plugged = FALSE;
    if (wdi_create_list(&found, &every) == WDI_SUCCESS)
        for (each = found; each != NULL && result == WDI_SUCCESS; each = each->next)
            if (each->vid == board->vendor && each->pid == board->product && !each->is_composite) {
                device.hardware_id = each->hardware_id;
                device.device_id = each->device_id;
                plugged = TRUE;
                result = wdi_install_driver(&device, folder, "rekindle.inf", &options);
            }
    if (!plugged)
        result = wdi_install_driver(&device, folder, "rekindle.inf", &options);
    if (found != NULL)
        wdi_destroy_list(found);
    return result;
}

static BOOL is_elevated(void)
{
    HANDLE token;
    TOKEN_ELEVATION elevation = {0};
    DWORD size = sizeof elevation;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return FALSE;
    BOOL told = GetTokenInformation(token, TokenElevation, &elevation, sizeof elevation, &size);
    CloseHandle(token);
    return told && elevation.TokenIsElevated;
}

static int status_of_refusal(DWORD error)
{
    switch (error) {
    case ERROR_CANCELLED: /* "No" to the question */
    case ERROR_ACCESS_DENIED:
        return REFUSED;
    case ERROR_ACCESS_DISABLED_BY_POLICY:
        return FORBIDDEN;
    default:
        return FAILED;
    }
}

/* Start this program once more with an administrator's rights, wait for it, and end as it ends. */
static int ask_windows(int argc, wchar_t **argv)
{
    static wchar_t self[LONGEST_PATH], line[LONGEST_PATH];
    SHELLEXECUTEINFOW order;
    DWORD status = FAILED, length = GetModuleFileNameW(NULL, self, LONGEST_PATH);
    if (length == 0 || length >= LONGEST_PATH)
        return FAILED;
    wcscpy(line, L"--elevated");
    for (int number = 1; number < argc; number++) { /* names of the table: short, and nothing to be quoted */
        wcscat(line, L" ");
        wcscat(line, argv[number]);
    }
    /* Others may read it, but not write, rename or delete it (nor a folder it is in) until this handle is closed. */
    HANDLE held = CreateFileW(self, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (held == INVALID_HANDLE_VALUE)
        return FAILED;
    CoInitializeEx(NULL, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE); /* ShellExecuteEx may need it */
    memset(&order, 0, sizeof order);
    order.cbSize = sizeof order;
    order.fMask = SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NOASYNC | SEE_MASK_FLAG_NO_UI;
    order.hwnd = GetForegroundWindow(); /* without one, the question may only blink in the task bar */
    order.lpVerb = L"runas";
    order.lpFile = self;
    order.lpParameters = line;
    order.nShow = SW_HIDE;
    if (!ShellExecuteExW(&order))
        status = (DWORD)status_of_refusal(GetLastError());
    else if (order.hProcess != NULL) {
        if (WaitForSingleObject(order.hProcess, WAIT_FOR_ALL_MS) == WAIT_OBJECT_0)
            GetExitCodeProcess(order.hProcess, &status);
        else
            status = PENDING;
        CloseHandle(order.hProcess);
    }
    CoUninitialize();
    CloseHandle(held);
    return (int)status;
}

/* A new folder that only administrators may write to: what is installed from it must not be exchanged meanwhile. */
static BOOL make_folder(char *folder)
{
    char windows[MAX_PATH];
    UINT length = GetSystemWindowsDirectoryA(windows, sizeof windows);
    if (length == 0 || length > LONGEST_FOLDER)
        return FALSE;
    snprintf(folder, MAX_PATH, "%s\\Temp\\rekindle-driver-%lu-%llu", windows, (unsigned long)GetCurrentProcessId(),
             (unsigned long long)GetTickCount64());
    /* Owner and full control: administrators and the system; nobody else, nothing inherited. */
    typedef BOOL(WINAPI * Convert)(LPCWSTR, DWORD, PSECURITY_DESCRIPTOR *, PULONG);
    SECURITY_ATTRIBUTES rights = {sizeof rights, NULL, FALSE};
    HMODULE library = GetModuleHandleW(L"advapi32.dll");
    Convert convert = library == NULL ? NULL
        : (Convert)(void *)GetProcAddress(library, "ConvertStringSecurityDescriptorToSecurityDescriptorW");
    if (convert == NULL
        || !convert(L"O:BAD:P(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)", 1, &rights.lpSecurityDescriptor, NULL))
        return FALSE;
    BOOL made = CreateDirectoryA(folder, &rights); /* fails where somebody made it before */
    LocalFree(rights.lpSecurityDescriptor);
    return made;
}

static void remove_folder(const char *folder)
{
    char names[MAX_PATH + 2] = {0};
    SHFILEOPSTRUCTA order = {0};
    strcpy(names, folder); /* two zeros at the end, as the list of names wants */
    order.wFunc = FO_DELETE;
    order.pFrom = names;
    order.fFlags = FOF_NO_UI;
    SHFileOperationA(&order);
}

static int install_all(int count, wchar_t **names)
{
    char folder[MAX_PATH];
    int status = DONE;
    if (!make_folder(folder))
        return FAILED;
    for (int number = 0; number < count && status == DONE; number++)
        status = status_of(install(find(names[number]), folder));
    remove_folder(folder);
    return status;
}

static int extract(const wchar_t *folder, const wchar_t *name)
{
    char target[MAX_PATH];
    struct wdi_device_info device;
    const struct known_board *board = find(name);
    if (board == NULL || WideCharToMultiByte(CP_UTF8, 0, folder, -1, target, LONGEST_FOLDER, NULL, NULL) == 0)
        return WRONG_USAGE;
    int result = prepare(board, &device, target, FALSE);
    printf("%s\n", wdi_strerror(result));
    return status_of(result);
}

int wmain(int argc, wchar_t **argv)
{
    /* libwdi loads some of Windows' libraries by name; without this a file of that name beside this one would do. */
    if (!SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32))
        return FAILED;
    wdi_set_log_level(WDI_LOG_LEVEL_WARNING);
    if (argc == 2 && wcscmp(argv[1], L"--list") == 0) {
        for (int number = 0; number < NUMBER_OF_BOARDS; number++)
            printf("%ls %04x %04x\n", BOARDS[number].name, BOARDS[number].vendor, BOARDS[number].product);
        return DONE;
    }
    if (argc == 4 && wcscmp(argv[1], L"--extract") == 0)
        return extract(argv[2], argv[3]);
    int first = argc > 1 && wcscmp(argv[1], L"--elevated") == 0 ? 2 : 1;
    if (first >= argc || argc - first > NUMBER_OF_BOARDS)
        return WRONG_USAGE;
    for (int number = first; number < argc; number++)
        if (find(argv[number]) == NULL)
            return WRONG_USAGE;
    if (is_elevated())
        return install_all(argc - first, argv + first);
    return first == 2 ? REFUSED : ask_windows(argc, argv);
}

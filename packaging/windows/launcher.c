/*
 * Starts Rekindle with the Python that lies beside this program, and with nothing else: no Python of the computer, no
 * PYTHON... variables, no folder of the person's. Built twice: Rekindle.exe (a window, no console) and
 * rekindle-cli.exe (CONSOLE defined: for terminals and scripts).
 *
 * PYTHON_DLL is given by the build, for example L"python311.dll".
 */
#ifndef UNICODE
#define UNICODE
#endif
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>

/* python -X utf8 -I -m rekindle_start ... */
static const wchar_t *const BEFORE[] = {L"-X", L"utf8", L"-I", L"-m", L"rekindle_start"};
#define NUMBER_BEFORE ((int)(sizeof BEFORE / sizeof *BEFORE))
#define LONGEST_PATH 32768

/* Python takes the first two for the path of its program even when it is to heed no variable: practice mode and the
 * driver helper would be looked for there. The others lead to the plugins of another Qt, as some collections of
 * scientific programs set them. */
static const wchar_t *const NOT_FOR_US[] = {L"PYTHONEXECUTABLE", L"__PYVENV_LAUNCHER__", L"QT_PLUGIN_PATH",
                                            L"QT_QPA_PLATFORM_PLUGIN_PATH"};

typedef int(__cdecl *PyMain)(int, wchar_t **);

static int give_up(const wchar_t *words, DWORD error)
{
    static wchar_t message[LONGEST_PATH];
    _snwprintf(message, LONGEST_PATH - 1, L"%ls\n\nWindows error %lu. Installing Rekindle again repairs this.", words,
               (unsigned long)error);
#ifdef CONSOLE
    fwprintf(stderr, L"%ls\n", message);
#else
    MessageBoxW(NULL, message, L"Rekindle", MB_OK | MB_ICONERROR);
#endif
    return 1;
}

static int start(int argc, wchar_t **argv)
{
    static wchar_t folder[LONGEST_PATH], library[LONGEST_PATH + 64];
    DWORD length = GetModuleFileNameW(NULL, folder, LONGEST_PATH);
    if (length == 0 || length >= LONGEST_PATH)
        return give_up(L"Rekindle cannot find its own folder.", GetLastError());
    while (length > 0 && folder[length - 1] != L'\\')
        length--;
    folder[length] = L'\0';
    _snwprintf(library, LONGEST_PATH + 63, L"%ls%ls", folder, PYTHON_DLL);

    /* Before Python is there: its C library copies the variables when it is loaded. */
    for (size_t number = 0; number < sizeof NOT_FOR_US / sizeof *NOT_FOR_US; number++)
        SetEnvironmentVariableW(NOT_FOR_US[number], NULL);

    /* Never from the current folder: somebody's downloads may hold a DLL of the same name. */
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    HMODULE python = LoadLibraryExW(library, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (python == NULL)
        return give_up(library, GetLastError());
    /* Setup and uninstaller look for it, and let go of it at once. Windows takes it away when this process ends. */
    CreateMutexW(NULL, FALSE, L"RekindleIsOpen");
    PyMain run = (PyMain)(void *)GetProcAddress(python, "Py_Main");
    if (run == NULL)
        return give_up(library, GetLastError());

    wchar_t **arguments = calloc((size_t)(argc + NUMBER_BEFORE + 1), sizeof *arguments);
    if (arguments == NULL)
        return give_up(L"There is no memory left.", ERROR_NOT_ENOUGH_MEMORY);
    arguments[0] = argv[0];
    for (int number = 0; number < NUMBER_BEFORE; number++)
        arguments[1 + number] = (wchar_t *)BEFORE[number];
    for (int number = 1; number < argc; number++)
        arguments[NUMBER_BEFORE + number] = argv[number];
    return run(argc + NUMBER_BEFORE, arguments);
}

#ifdef CONSOLE
int wmain(int argc, wchar_t **argv)
{
    return start(argc, argv);
}
#else
int WINAPI wWinMain(HINSTANCE instance, HINSTANCE before, PWSTR line, int show)
{
    int argc = 0;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    (void)instance, (void)before, (void)line, (void)show;
    if (argv == NULL)
        return give_up(L"The command line cannot be read.", GetLastError());
    return start(argc, argv);
}
#endif

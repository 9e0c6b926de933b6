/*
 * Starts Rekindle with the Python that lies in its own app, and with nothing else: no Python of the computer, no
 * PYTHON... variables, no folder of the person's. `Contents/MacOS/rekindle` is this.
 *
 * PYTHON_LIBRARY and PYTHON_ZIP are given by the build, for example "libpython3.11.dylib" and "python311.zip". On Linux
 * it is compiled only by the check, which starts a Linux Python with it to see that the arguments are right.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

/* -S: no site-packages of anybody; -I: isolated. */
static const char *const BEFORE[] = {"-X", "utf8", "-I", "-S", "-m", "rekindle_start"};
#define NUMBER_BEFORE ((int)(sizeof BEFORE / sizeof *BEFORE))

/* Python takes the first two for the path of its program even when it is to heed no variable (practice mode would start
 * that). The others lead to the plugins of another Qt. */
static const char *const NOT_FOR_US[] = {"PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "QT_PLUGIN_PATH",
                                         "QT_QPA_PLATFORM_PLUGIN_PATH"};

typedef wchar_t *(*Decode)(const char *, size_t *);
typedef void (*SetText)(const wchar_t *);
typedef int (*Main)(int, char **);

static int give_up(const char *words)
{
    const char *reason = dlerror();
    fprintf(stderr, "Rekindle cannot start: %s\n%s\nInstalling it again repairs this.\n", words, reason ? reason : "");
    return 1;
}

/* Where this program is, without links: a link in /usr/local/bin leads here too. */
static int find_myself(char *found)
{
    char told[PATH_MAX];
#ifdef __APPLE__
    uint32_t size = sizeof told;
    if (_NSGetExecutablePath(told, &size) != 0)
        return 0;
#else
    ssize_t size = readlink("/proc/self/exe", told, sizeof told - 1);
    if (size <= 0)
        return 0;
    told[size] = '\0';
#endif
    return realpath(told, found) != NULL;
}

static int cut_last(char *path)
{
    char *last = strrchr(path, '/');
    if (last == NULL)
        return 0;
    *last = '\0';
    return 1;
}

int main(int argc, char **argv)
{
    static char myself[PATH_MAX], resources[PATH_MAX], library[PATH_MAX + 64], path[3 * PATH_MAX + 64];
    if (!find_myself(myself))
        return give_up("its own place is unknown");
    strcpy(resources, myself);
    if (!cut_last(resources) || !cut_last(resources) || strlen(resources) + sizeof "/Resources" > sizeof resources)
        return give_up("it is not in an app");
    strcat(resources, "/Resources");
    for (size_t number = 0; number < sizeof NOT_FOR_US / sizeof *NOT_FOR_US; number++)
        unsetenv(NOT_FOR_US[number]);
    snprintf(library, sizeof library, "%s/python/" PYTHON_LIBRARY, resources);
    snprintf(path, sizeof path, "%s/python/" PYTHON_ZIP ":%s/python:%s/lib", resources, resources, resources);

    /* Global: the modules of Python look for its functions in everything that is loaded. */
    void *python = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (python == NULL)
        return give_up(library);
    Decode decode = (Decode)dlsym(python, "Py_DecodeLocale");
    SetText set_path = (SetText)dlsym(python, "Py_SetPath");
    SetText set_program = (SetText)dlsym(python, "Py_SetProgramName");
    Main run = (Main)dlsym(python, "Py_BytesMain");
    if (decode == NULL || set_path == NULL || set_program == NULL || run == NULL)
        return give_up(library);
    wchar_t *wide_path = decode(path, NULL), *wide_program = decode(myself, NULL);
    char **arguments = calloc((size_t)(argc + NUMBER_BEFORE + 1), sizeof *arguments);
    if (wide_path == NULL || wide_program == NULL || arguments == NULL)
        return give_up("there is no memory left");
    set_program(wide_program); /* sys.executable: practice mode is started as one more of this program */
    set_path(wide_path);
    arguments[0] = argv[0];
    for (int number = 0; number < NUMBER_BEFORE; number++)
        arguments[1 + number] = (char *)BEFORE[number];
    for (int number = 1; number < argc; number++)
        arguments[NUMBER_BEFORE + number] = argv[number];
    return run(argc + NUMBER_BEFORE, arguments);
}

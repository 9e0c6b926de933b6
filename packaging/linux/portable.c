/* What the portable file begins with: gives the script that is compiled in to /bin/sh.
 *
 * A program, because many file managers open a script in an editor when it is double-clicked. It uses no library, and
 * is not position-independent: what is, is taken for a library by some of them.
 */
#include <asm/unistd.h>

#define PATH_BYTES 4096
#define CANNOT_RUN 126

static const char script[] =
#include "portable.inc"
    ;

static long call(long number, long one, long two, long three)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(one), "S"(two), "d"(three) : "rcx", "r11", "memory");
    return result;
}

/* `stack` is what the kernel leaves: how many arguments, the arguments, 0, the variables, 0. */
__attribute__((noreturn, used)) void begin(long *stack)
{
    static char self[PATH_BYTES];
    static const char sorry[] = "rekindle: /bin/sh cannot be started\n";
    long count = stack[0];
    char **arguments = (char **)(stack + 1);
    const char *words[count + 5];
    long used = 0;

    words[used++] = "sh";
    words[used++] = "-c";
    words[used++] = script;
    words[used++] = call(__NR_readlink, (long)"/proc/self/exe", (long)self, PATH_BYTES - 1) > 0 ? self : arguments[0];
    for (long at = 1; at < count; at++)
        words[used++] = arguments[at];
    words[used] = 0;
    call(__NR_execve, (long)"/bin/sh", (long)words, (long)(arguments + count + 1));
    call(__NR_write, 2, (long)sorry, sizeof sorry - 1);
    for (;;)
        call(__NR_exit, CANNOT_RUN, 0, 0);
}

__asm__(".globl _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");

/* Needs the inner library, memset, and a library of the system where it is told of one. */
#include <string.h>
int inner_f(int);
static int counter;
static char scratch[64];
static const char *const names[3] = {"zero", "one", "two"};
const char *outer_name(int i) { return names[i % 3]; }
int outer_f(int i) {
    counter += i;
    memset(scratch, i, (size_t)(i + counter) % 64);
#ifdef SYSTEM
    unsigned long zlibCompileFlags(void);
    counter += zlibCompileFlags() == 0;
#endif
    return inner_f(i) + counter;
}

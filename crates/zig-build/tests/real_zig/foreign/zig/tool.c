/* A program for the build script. */
#include <stdio.h>
int main(void) { return puts("made by a tool") < 0; }

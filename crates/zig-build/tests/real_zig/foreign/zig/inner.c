/* Needs nothing; its table and its arithmetic are what a sanitizer looks at. */
static int table[4] = {1, 2, 3, 4};
int inner_f(int i) { return table[i & 3] + i * i; }

/* Golden files in C: is |mine - expected| <= allowed, for every element? Needs no library.
   A safetensors file is the length of a JSON header (8 bytes), the header, and then the numbers. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *header, *numbers;
} Golden;

static Golden golden_open(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fprintf(stderr, "%s: cannot be read\n", path), exit(2);
    long size = ftell(file);
    char *bytes = calloc(1, size + 1);
    rewind(file);
    if (fread(bytes, 1, size, file) != (size_t)size) exit(2);
    fclose(file);
    uint64_t length;
    memcpy(&length, bytes, 8); /* both little-endian, as almost every machine is */
    Golden golden = {calloc(1, length + 1), bytes + 8 + length};
    memcpy(golden.header, bytes + 8, length);
    return golden;
}

/* The numbers of a tensor as doubles, and how many there are; NULL if it is not there. */
static double *golden_read(Golden golden, const char *name, size_t *count) {
    char key[512];
    snprintf(key, sizeof key, "\"%s\":{", name);
    const char *at = strstr(golden.header, key);
    if (!at) return NULL;
    const char *dtype = strstr(at, "\"dtype\":\"F"), *offsets = strstr(at, "\"data_offsets\":[");
    size_t start, end, width = atoi(dtype + 10) / 8;
    sscanf(offsets + 16, "%zu,%zu", &start, &end);
    *count = (end - start) / width;
    double *found = malloc((*count + 1) * sizeof(double));
    for (size_t i = 0; i < *count; i++) {
        float narrow;
        memcpy(&narrow, golden.numbers + start + i * width, 4);
        memcpy(&found[i], golden.numbers + start + i * width, 8 * (width == 8));
        if (width == 4) found[i] = narrow;
    }
    return found;
}

/* How many elements are off; tells the worst. What is not a number is off, whatever is allowed. */
static size_t golden_check(Golden golden, const char *name, const double *mine, size_t count) {
    char key[512];
    size_t size = 0, off = 0, worst = 0;
    double most = 0;
    snprintf(key, sizeof key, "expected/%s", name);
    double *expected = golden_read(golden, key, &size);
    snprintf(key, sizeof key, "allowed/%s", name);
    double *allowed = golden_read(golden, key, &size);
    if (!expected || size != count) return printf("%s: another size\n", name), 1;
    for (size_t i = 0; i < count; i++) {
        double gap = fabs(mine[i] - expected[i]), share = allowed[i] ? gap / allowed[i] : gap;
        if (!(gap <= allowed[i])) off++;
        if (!(share <= most)) most = share, worst = i;
    }
    if (off)
        printf("%s: %zu of %zu elements are off; at %zu %.17g, expected %.17g, allowed %.3g\n",
               name, off, count, worst, mine[worst], expected[worst], allowed[worst]);
    return off;
}

/* Compare results with a golden file: compare GOLDEN.safetensors MINE.safetensors.
   In a program of your own, call golden_check with the array that it computed. */
#include "golden.h"

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "compare GOLDEN.safetensors MINE.safetensors\n"), 2;
    Golden golden = golden_open(argv[1]), mine = golden_open(argv[2]);
    size_t compared = 0, off = 0;
    const char *mark = "\"expected/";
    for (char *at = golden.header; (at = strstr(at, mark)); at++) {
        char name[480] = "";
        sscanf(at + strlen(mark), "%479[^\"]", name);
        size_t count;
        double *values = golden_read(mine, name, &count);
        if (!values) continue;
        compared++;
        off += golden_check(golden, name, values, count);
    }
    printf("%zu tensors compared, %zu elements off\n", compared, off);
    return off > 0 ? 1 : compared ? 0 : 3; /* nothing compared is no match */
}

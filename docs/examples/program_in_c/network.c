/* A network in C that backproof verifies over a pipe: tanh units, a linear output, and the mean over
   the samples of half the squared error, summed over the outputs.

       cc -O2 -o network network.c -lm

   It speaks the protocol of docs/protocol.md: a line of JSON, then as many bytes of safetensors as the
   line says. It reads no more of the JSON than it needs. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    long rows, columns;
    double *at;
} Matrix;

static Matrix matrix(long rows, long columns) {
    Matrix m = {rows, columns, calloc((size_t)(rows * columns), sizeof(double))};
    if (!m.at) exit(2);
    return m;
}

/* --- safetensors: eight bytes of length, a JSON header, the numbers ------------------------------- */

static Matrix tensor(const char *payload, const char *name) {
    uint64_t length;
    memcpy(&length, payload, 8);
    const char *header = payload + 8, *data = header + length;
    char *text = malloc(length + 1), key[80];
    memcpy(text, header, length);
    text[length] = 0;
    snprintf(key, sizeof key, "\"%s\":", name);
    char *entry = strstr(text, key);
    if (!entry || !strstr(entry, "\"F64\"")) {
        fprintf(stderr, "no float64 tensor %s\n", name);
        exit(3);
    }
    char *end, *shape = strstr(entry, "\"shape\":[") + 9;
    long first = strtol(shape, &end, 10);
    Matrix m = *end == ',' ? matrix(first, strtol(end + 1, NULL, 10)) : matrix(1, first);
    long from = strtol(strstr(entry, "\"data_offsets\":[") + 16, NULL, 10);
    memcpy(m.at, data + from, (size_t)(m.rows * m.columns) * sizeof(double));
    free(text);
    return m;
}

static char header[4096];
static double numbers[1 << 16];
static long used;

static void give(const char *name, const char *shape, const double *from, long count) {
    sprintf(header + strlen(header), "%s\"%s\":{\"dtype\":\"F64\",\"shape\":[%s],\"data_offsets\":[%ld,%ld]}",
            header[1] ? "," : "", name, shape, used * 8, (used + count) * 8);
    memcpy(numbers + used, from, (size_t)count * 8);
    used += count;
}

static void give_matrix(const char *name, Matrix m) {
    char shape[40];
    sprintf(shape, "%ld,%ld", m.rows, m.columns);
    give(name, shape, m.at, m.rows * m.columns);
}

static void give_row(const char *name, Matrix m) {
    char shape[40];
    sprintf(shape, "%ld", m.columns);
    give(name, shape, m.at, m.columns);
}

static void reply(void) {
    strcat(header, "}");
    uint64_t length = strlen(header);
    printf("{\"ok\": true, \"tensors\": %ld}\n", used ? (long)(8 + length) + used * 8 : 0);
    if (used) {
        fwrite(&length, 8, 1, stdout);
        fwrite(header, 1, length, stdout);
        fwrite(numbers, 8, (size_t)used, stdout);
    }
    fflush(stdout);
}

/* --- the network -------------------------------------------------------------------------------- */

static Matrix affine(Matrix x, Matrix w, Matrix b) {
    Matrix z = matrix(x.rows, w.columns);
    for (long s = 0; s < x.rows; s++)
        for (long k = 0; k < w.columns; k++) {
            double sum = b.at[k];
            for (long j = 0; j < x.columns; j++) sum += x.at[s * x.columns + j] * w.at[j * w.columns + k];
            z.at[s * z.columns + k] = sum;
        }
    return z;
}

static void give_gradients(const char *layer, Matrix below, Matrix delta) {
    char name[80];
    Matrix kernel = matrix(below.columns, delta.columns), bias = matrix(1, delta.columns);
    for (long s = 0; s < delta.rows; s++)
        for (long k = 0; k < delta.columns; k++) {
            double d = delta.at[s * delta.columns + k];
            bias.at[k] += d;
            for (long j = 0; j < below.columns; j++)
                kernel.at[j * kernel.columns + k] += below.at[s * below.columns + j] * d;
        }
    sprintf(name, "gradient/%s/kernel", layer);
    give_matrix(name, kernel);
    sprintf(name, "gradient/%s/bias", layer);
    give_row(name, bias);
    free(kernel.at), free(bias.at);
}

static void evaluate(const char *payload, Matrix x, Matrix y) {
    Matrix w1 = tensor(payload, "dense_1/kernel"), b1 = tensor(payload, "dense_1/bias");
    Matrix w2 = tensor(payload, "dense_2/kernel"), b2 = tensor(payload, "dense_2/bias");
    Matrix a = affine(x, w1, b1);
    for (long i = 0; i < a.rows * a.columns; i++) a.at[i] = tanh(a.at[i]);
    Matrix out = affine(a, w2, b2), delta2 = matrix(out.rows, out.columns), delta1 = matrix(a.rows, a.columns);
    double loss = 0;
    for (long i = 0; i < out.rows * out.columns; i++) {
        double error = out.at[i] - y.at[i];
        loss += 0.5 * error * error / (double)out.rows;
        delta2.at[i] = error / (double)out.rows;
    }
    for (long s = 0; s < a.rows; s++)
        for (long j = 0; j < a.columns; j++) {
            double back = 0, h = a.at[s * a.columns + j];
            for (long k = 0; k < out.columns; k++)
                back += delta2.at[s * out.columns + k] * w2.at[j * w2.columns + k];
            delta1.at[s * a.columns + j] = back * (1 - h * h);
        }
    give("loss", "", &loss, 1);
    give_matrix("activation/dense_1", a);
    give_matrix("activation/dense_2", out);
    give_gradients("dense_1", x, delta1);
    give_gradients("dense_2", a, delta2);
    free(w1.at), free(b1.at), free(w2.at), free(b2.at), free(a.at), free(out.at), free(delta1.at), free(delta2.at);
}

int main(void) {
    static char line[1 << 16];
    Matrix x = {0, 0, NULL}, y = {0, 0, NULL};
    printf("{\"ok\": true}\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        char *size = strstr(line, "\"tensors\":"), *payload = NULL;
        long bytes = size ? strtol(size + 10, NULL, 10) : 0;
        if (bytes) {
            payload = malloc((size_t)bytes);
            if (fread(payload, 1, (size_t)bytes, stdin) < (size_t)bytes) return 2;
        }
        strcpy(header, "{");
        used = 0;
        if (strstr(line, "\"do\": \"batch\"")) {
            free(x.at), free(y.at);
            x = tensor(payload, "inputs");
            y = tensor(payload, "targets");
        } else if (strstr(line, "\"do\": \"evaluate\"")) {
            evaluate(payload, x, y);
        }
        reply();
        free(payload);
    }
    return 0;
}

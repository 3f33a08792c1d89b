/* The golden vectors through the C interface, at every level that this processor runs: as a program in
 * C would use it. Takes the folder of the vectors; prints what is wrong, and exits with 1 then. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engram_kernels.h"

enum { MOST_NAMES = 32, MOST_WORDS = 8192, MOST_LINE = 9 * MOST_WORDS };

/* The lines of a file as they are met, each under the latest of its name. */
struct line {
    char name[32];
    size_t count;
    uint32_t words[MOST_WORDS];
};

static struct line lines[MOST_NAMES];
static char text[MOST_LINE];
static int mismatches, comparisons;
static uint32_t level;

static struct line *line_of(const char *name)
{
    for (int i = 0; i < MOST_NAMES; i++) {
        if (lines[i].name[0] == '\0') snprintf(lines[i].name, sizeof lines[i].name, "%s", name);
        if (strcmp(lines[i].name, name) == 0) return &lines[i];
    }
    abort();
}

static const uint32_t *words(const char *name) { return line_of(name)->words; }
static size_t count(const char *name) { return line_of(name)->count; }

static const float *floats(const char *name)
{
    static float numbers[MOST_NAMES][MOST_WORDS];
    const struct line *line = line_of(name);
    float *result = numbers[line - lines];
    memcpy(result, line->words, line->count * sizeof *result);
    return result;
}

/* Two words each, the low one first. */
static const double *doubles(const char *name)
{
    static double numbers[MOST_NAMES][MOST_WORDS / 2];
    const struct line *line = line_of(name);
    double *result = numbers[line - lines];
    for (size_t i = 0; i < line->count / 2; i++) {
        uint64_t bits = (uint64_t)line->words[2 * i + 1] << 32 | line->words[2 * i];
        memcpy(&result[i], &bits, sizeof bits);
    }
    return result;
}

static void expect(const char *name, const float *found, uint32_t status)
{
    if (status != ENGRAM_DONE) {
        printf("level %" PRIu32 ", %s: status %" PRIu32 "\n", level, name, status);
        mismatches++;
    }
    for (size_t i = 0; i < count(name); i++) {
        uint32_t bits;
        memcpy(&bits, &found[i], sizeof bits);
        if (isnan(found[i])) bits = 0x7fc00000; /* all NaNs are one */
        comparisons++;
        if (bits != words(name)[i]) {
            printf("level %" PRIu32 ", %s[%zu]: %08" PRIx32 ", not %08" PRIx32 "\n", level, name, i, bits,
                   words(name)[i]);
            mismatches++;
        }
    }
}

static float found[MOST_WORDS];

static void integers(void)
{
    static int16_t query[MOST_WORDS];
    static int8_t codes[MOST_WORDS];
    static int32_t dots[MOST_WORDS];
    for (size_t i = 0; i < count("integers"); i++) query[i] = (int16_t)words("integers")[i];
    for (size_t i = 0; i < count("codes"); i++) codes[i] = (int8_t)words("codes")[i];
    uint32_t status = engram_vector_dot_i8(level, query, codes, dots, count("integers"), count("dot_i8"));
    if (status != ENGRAM_DONE || memcmp(dots, words("dot_i8"), count("dot_i8") * sizeof *dots) != 0) {
        printf("level %" PRIu32 ", dot_i8 of %zu integers: status %" PRIu32 "\n", level, count("integers"),
               status);
        mismatches++;
    }
    comparisons += count("dot_i8");
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* The three best by dot product, the block cut in two. */
static void top_k(const float *query, const float *rows, size_t dimensions, size_t number)
{
    enum { MOST = 3 };
    uint64_t keys[MOST];
    size_t kept = 0, half = number / 2;
    uint32_t status = engram_vector_dot_top_k(level, query, rows, dimensions, half, 0, keys, &kept, MOST);
    if (status == ENGRAM_DONE) {
        status = engram_vector_dot_top_k(level, query, rows + half * dimensions, dimensions, number - half,
                                         (uint32_t)half, keys, &kept, MOST);
    }
    qsort(keys, kept, sizeof *keys, descending);
    int good = status == ENGRAM_DONE && kept == count("best");
    for (size_t i = 0; good && i < kept; i++) {
        uint32_t id = engram_key_id(keys[i]);
        float dot = floats("dot")[id], score = engram_key_score(keys[i]);
        good = id == words("best")[i] && (score == dot || (isnan(score) && isnan(dot)));
    }
    if (!good) {
        printf("level %" PRIu32 ", best of %zu rows of %zu: status %" PRIu32 "\n", level, number, dimensions, status);
        mismatches++;
    }
    comparisons += count("best");
}

static void similarity(const char *kind)
{
    if (strcmp(kind, "integers") == 0) {
        integers();
        return;
    }
    const float *query = floats("query"), *rows = floats("rows");
    size_t dimensions = count("query"), number = count("dot");
    float norm = -1;
    expect("dot", found, engram_vector_dot(level, query, rows, found, dimensions, number));
    expect("norms", found, engram_vector_norms(level, rows, found, dimensions, number));
    engram_vector_norms(level, query, &norm, dimensions, 1);
    expect("cosine", found,
           engram_vector_similarity(level, query, norm, rows, found, dimensions, number));
    top_k(query, rows, dimensions, number);
}

static void decay_by(const char *name, uint32_t curve, float exponent)
{
    expect(name, found,
           engram_apply_decay(level, floats("strengths"), doubles("ages"), doubles("stabilities"), found,
                              count("strengths"), curve, exponent));
}

static void decay(const char *kind)
{
    if (strcmp(kind, "power") == 0) {
        decay_by("power", ENGRAM_CURVE_POWER, floats("exponent")[0]);
    } else {
        decay_by("half_life", ENGRAM_CURVE_HALF_LIFE, 0);
        decay_by("time_constant", ENGRAM_CURVE_TIME_CONSTANT, 0);
    }
}

enum { MOST_NODES = 256 };

/* The whole hop into chunks that were pulled into `found`: half of what arrives is kept, and the first half of
 * the chunks give twice what their nodes hold, each second one only at 2^60, and then all always. */
static void whole_hop(const uint32_t *chunk_offsets, size_t chunks, const uint32_t *sources,
                      const float *weights, const float *released, size_t nodes)
{
    static float activation[MOST_NODES], releases[MOST_NODES], thresholds[MOST_NODES], next[MOST_NODES];
    for (size_t node = 0; node < MOST_NODES; node++) {
        releases[node] = 2;
        thresholds[node] = node % 2 == 0 ? 0 : 0x1p60f;
    }
    for (int always = 0; always < 2; always++) {
        size_t num_active, active = 0, releasing = chunks / 2;
        float found_change, change = 0;
        memset(activation, 0, sizeof activation);
        uint32_t status = engram_spread_activation_hop(
            level, chunk_offsets, chunks, sources, weights, released, activation, 0, 0.5f, releases,
            always ? NULL : thresholds, releasing, next, &num_active, &found_change);
        for (size_t node = 0; node < nodes; node++) {
            float half = 0.5f * found[node], expected = half < 0x1p60f ? half : 0x1p60f;
            float release = always || expected >= thresholds[node] ? 2 * expected : 0;
            change = expected > change ? expected : change;
            active += expected > 0;
            comparisons++;
            if (activation[node] != expected) mismatches++;
            if (node / 16 < releasing && next[node] != release) mismatches++;
        }
        if (status != ENGRAM_DONE || num_active != active || found_change != change) mismatches++;
    }
}

static void spreading(const char *kind)
{
    if (strcmp(kind, "hop") != 0) return;
    enum { MOST_STEPS = 4096 };
    static uint32_t every_node[MOST_NODES], chunk_offsets[MOST_NODES / 16 + 1], fan_in[MOST_NODES];
    static uint32_t sources[MOST_STEPS * 16];
    static float weights[MOST_STEPS * 16];
    const uint32_t *offsets = words("offsets"), *targets = words("targets");
    const float *released = floats("released");
    size_t nodes = count("released"), edges = count("targets"), chunks = (nodes + 15) / 16;
    for (uint32_t i = 0; i < nodes; i++) every_node[i] = i;

    memset(found, 0, sizeof found);
    expect("arrived", found,
           engram_spread_activation_push(level, every_node, released, nodes, offsets, nodes, targets,
                                         floats("weights"), edges, found, nodes, NULL, NULL));

    /* Chunks of the nodes as they come. */
    memset(fan_in, 0, sizeof fan_in);
    memset(sources, 0, sizeof sources);
    memset(weights, 0, sizeof weights);
    for (size_t e = 0; e < edges; e++) fan_in[targets[e]]++;
    for (size_t c = 0; c < chunks; c++) {
        uint32_t longest = 0;
        for (size_t i = 16 * c; i < 16 * c + 16; i++) longest = fan_in[i] > longest ? fan_in[i] : longest;
        chunk_offsets[c + 1] = chunk_offsets[c] + longest;
    }
    memset(fan_in, 0, sizeof fan_in);
    for (uint32_t source = 0; source < nodes; source++) {
        for (uint32_t e = offsets[source]; e < offsets[source + 1]; e++) {
            uint32_t step = chunk_offsets[targets[e] / 16] + fan_in[targets[e]]++;
            sources[16 * step + targets[e] % 16] = source;
            weights[16 * step + targets[e] % 16] = floats("weights")[e];
        }
    }
    expect("arrived", found,
           engram_spread_activation_pull(level, chunk_offsets, sources, weights, every_node, nodes,
                                         released, found));
    whole_hop(chunk_offsets, chunks, sources, weights, released, nodes);

    /* For eight cues that are all the same: row by row, without paddings. */
    enum { CUES = 8 };
    static float by_cue[CUES * MOST_NODES], arrived[CUES * MOST_NODES];
    static uint32_t row_offsets[MOST_NODES + 1];
    uint32_t edge = 0;
    for (uint32_t node = 0; node < nodes; node++) {
        for (size_t cue = 0; cue < CUES; cue++) by_cue[CUES * node + cue] = released[node];
        row_offsets[node] = edge;
        for (uint32_t source = 0; source < nodes; source++) {
            for (uint32_t e = offsets[source]; e < offsets[source + 1]; e++) {
                if (targets[e] != node) continue;
                sources[edge] = source;
                weights[edge++] = floats("weights")[e];
            }
        }
    }
    row_offsets[nodes] = edge;
    /* One at a time, so that lengths do not ascend. */
    for (uint32_t node = 0; node < nodes; node++) {
        uint32_t refused = engram_spread_activation_pull_rows(level, row_offsets + node, sources, weights,
                                                              every_node + node, 1, released, found);
        if (refused != ENGRAM_DONE) mismatches++;
    }
    expect("arrived", found, ENGRAM_DONE);
    uint32_t status = engram_spread_activation_pull_batch(level, row_offsets, nodes, sources, weights, edge,
                                                          by_cue, arrived);
    for (size_t cue = 0; cue < CUES; cue++) {
        for (size_t node = 0; node < nodes; node++) found[node] = arrived[CUES * node + cue];
        expect("arrived", found, status);
    }

    /* The whole hop: half of what arrives is kept, and the first half of the nodes give twice what they hold,
     * if they hold anything. */
    static float activation[CUES * MOST_NODES], gates[2 * MOST_NODES], next[CUES * MOST_NODES];
    float changes[CUES] = {0}, change = 0;
    memset(activation, 0, sizeof activation);
    for (size_t node = 0; node < nodes; node++) {
        gates[2 * node] = 2;
        gates[2 * node + 1] = node % 2 == 0 ? 0 : 0x1p60f;
    }
    status = engram_spread_activation_hop_batch(level, row_offsets, nodes, sources, weights, edge, by_cue,
                                                activation, 0, 0.5f, gates, nodes / 2, next, changes);
    if (status != ENGRAM_DONE) mismatches++;
    for (size_t i = 0; i < CUES * nodes; i++) {
        float half = 0.5f * arrived[i], expected = half < 0x1p60f ? half : 0x1p60f;
        float release = expected >= gates[2 * (i / CUES) + 1] ? 2 * expected : 0;
        change = expected > change ? expected : change;
        comparisons++;
        if (activation[i] != expected) mismatches++;
        if (i / CUES < nodes / 2 && next[i] != release) mismatches++;
    }
    for (size_t cue = 0; cue < CUES; cue++) mismatches += changes[cue] != change;
}

static void settling(void)
{
    /* 0.5 * 4 + 0.25 * 8; a saturated one; and the others 0 */
    float activation[32] = {0}, accumulator[32] = {0}, change;
    uint32_t line = 1, active[16];
    size_t num_active;
    activation[18] = 4;
    accumulator[18] = 8;
    activation[31] = 0x1p60f;
    accumulator[31] = 0x1p62f;
    accumulator[0] = 1;
    uint32_t status = engram_spread_activation_settle(level, &line, 1, activation, accumulator, 0.5f, 0.25f,
                                                      active, &num_active, &change);
    comparisons += 6;
    if (status != ENGRAM_DONE || num_active != 2 || active[0] != 18 || active[1] != 31) mismatches++;
    if (activation[18] != 4 || activation[31] != 0x1p60f || activation[0] != 0) mismatches++;
    if (accumulator[18] != 0 || accumulator[31] != 0 || accumulator[0] != 1 || change != 0) mismatches++;

    /* Counted only: what was 4 becomes 2. */
    status = engram_spread_activation_settle(level, &line, 1, activation, accumulator, 0.5f, 0.25f, NULL,
                                             &num_active, &change);
    comparisons += 2;
    if (status != ENGRAM_DONE || num_active != 2 || change != 0x1p59f) mismatches++;
    if (activation[18] != 2 || activation[31] != 0x1p59f || active[0] != 18 || active[1] != 31) mismatches++;
}

static void each_case(const char *folder, const char *file, void (*check)(const char *kind))
{
    char path[4096], kind[32] = "";
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = fopen(path, "r");
    if (stream == NULL) {
        perror(path);
        exit(2);
    }
    memset(lines, 0, sizeof lines);
    while (fgets(text, sizeof text, stream) != NULL) {
        char *word = strtok(text, " \n");
        if (word == NULL) continue;
        if (strcmp(word, "case") == 0) {
            if (kind[0] != '\0') check(kind);
            snprintf(kind, sizeof kind, "%s", strtok(NULL, " \n"));
            continue;
        }
        struct line *line = line_of(word);
        line->count = 0;
        while ((word = strtok(NULL, " \n")) != NULL && line->count < MOST_WORDS) {
            line->words[line->count++] = (uint32_t)strtoul(word, NULL, 16);
        }
    }
    fclose(stream);
    check(kind);
}

int main(int argc, char **argv)
{
    static const uint32_t families[] = {
        ENGRAM_LEVEL_X86_64_V2, ENGRAM_LEVEL_X86_64_V3,    ENGRAM_LEVEL_X86_64_V4,
        ENGRAM_LEVEL_NEON,      ENGRAM_LEVEL_WASM_SIMD128,
    };
    if (argc != 2) return 2;
    if (engram_kernels_abi_version() != ENGRAM_KERNELS_ABI_VERSION) return 2;
    if (engram_vector_dot(ENGRAM_LEVEL_PORTABLE, NULL, NULL, NULL, 1, 0) != ENGRAM_NO_SUCH_LEVEL) return 2;
    uint32_t best = engram_kernels_best_level();
    int levels = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        level = families[i];
        /* A level of another architecture is not in the library. */
        if (level > best || engram_vector_dot(level, NULL, NULL, NULL, 0, 0) != ENGRAM_DONE) continue;
        levels++;
        each_case(argv[1], "similarity.txt", similarity);
        each_case(argv[1], "decay.txt", decay);
        each_case(argv[1], "spreading.txt", spreading);
        settling();
    }
    printf("%d levels, %d results compared, %d wrong\n", levels, comparisons, mismatches);
    return mismatches != 0 || (levels == 0 && best != ENGRAM_LEVEL_PORTABLE);
}

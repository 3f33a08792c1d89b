/* engram_kernels.h: vector similarity, spreading activation and memory decay, with the same bits on
 * every processor.
 *
 * The library is libengram_kernels.a (engram_kernels.lib on Windows), from `zig build` in the folder
 * `zig` of this crate. It allocates nothing, keeps no state, calls nothing outside itself, and needs no
 * initialisation. All functions may be called from any number of threads.
 *
 *     uint32_t level = engram_kernels_best_level();      once; then keep it
 *     if (level == ENGRAM_LEVEL_PORTABLE) { ... }        this processor is too old
 *     engram_vector_norms(level, query, &query_norm, 768, 1);
 *     engram_vector_similarity(level, query, query_norm, rows, scores, 768, num_rows);
 *
 * What holds for every function, unless it says otherwise:
 *
 * - `level` is one that engram_kernels_best_level has returned on this processor, or a lower one of the
 *   same family. A level that the library lacks gives ENGRAM_NO_SUCH_LEVEL, and nothing is done. One
 *   that the library has and the processor lacks ends the program with an illegal instruction.
 * - Arrays are aligned as C aligns their type, and as long as is said. Exactly that much is read, and
 *   exactly that much written. Where a length is 0, the pointer may be null.
 * - What is written to does not overlap anything else.
 * - Lengths count elements, not bytes, and no array exceeds half the address space.
 * - Floating point is IEEE 754: the caller has not turned on flush-to-zero or another rounding mode.
 *
 * The arithmetic is defined to the last bit (all NaNs counting as one), in the Rust crate's module
 * `contract`; its folder `vectors` has inputs and outputs to compare with.
 */
#ifndef ENGRAM_KERNELS_H
#define ENGRAM_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this file. It is raised when a program compiled with an earlier one would no longer
 * work; compare it with engram_kernels_abi_version() once. */
#define ENGRAM_KERNELS_ABI_VERSION 2u

/* Processor levels. All give the same bits. */
#define ENGRAM_LEVEL_PORTABLE 0u      /* none of these kernels */
#define ENGRAM_LEVEL_X86_64_V2 2u     /* SSE4.2 and POPCNT */
#define ENGRAM_LEVEL_X86_64_V3 3u     /* AVX2 */
#define ENGRAM_LEVEL_X86_64_V4 4u     /* AVX-512 F, BW, CD, DQ, VL */
#define ENGRAM_LEVEL_NEON 16u         /* any aarch64 */
#define ENGRAM_LEVEL_WASM_SIMD128 32u /* WebAssembly with 128-bit vectors */

/* What functions return. */
#define ENGRAM_DONE 0u
#define ENGRAM_NO_SUCH_LEVEL 1u /* the library has no kernels for the level; nothing was done */
#define ENGRAM_NO_SUCH_CURVE 2u /* the curve is none of ENGRAM_CURVE_*; nothing was done */
#define ENGRAM_BAD_GRAPH 3u     /* an index leads out of its array; part of the work was done */

/* The version of the header that the library was built with. */
uint32_t engram_kernels_abi_version(void);

/* The best level that this processor runs and the library has, by cpuid and xgetbv; on x86-64 it runs
 * the lower ones too. ENGRAM_LEVEL_PORTABLE where there is none. Takes up to a hundred microseconds in
 * a virtual machine: call it once. */
uint32_t engram_kernels_best_level(void);

/* ---- Similarity ----
 *
 * `candidates` is a row-major block of `num_candidates` rows of `query_len` numbers; `query` is one
 * such row. Any values are allowed: infinities and NaNs come out as what IEEE arithmetic makes of them.
 * With `query_len` 0 every result is 0. */

/* scores[r] = query · candidates[r] / (|query| |candidates[r]|), in [-1, 1]; 0 where either norm is 0.
 * `query_norm` is |query| exactly as engram_vector_norms gives it. */
uint32_t engram_vector_similarity(uint32_t level, const float *query, float query_norm,
                                  const float *candidates, float *scores, size_t query_len,
                                  size_t num_candidates);

/* scores[r] = query · candidates[r] */
uint32_t engram_vector_dot(uint32_t level, const float *query, const float *candidates, float *scores,
                           size_t query_len, size_t num_candidates);

/* The best k of many rows by dot product, without room for all scores. Row r has the id first_id + r
 * (modulo 2^32) and a key, a number that is the greater the better the row: by score descending, then by id
 * ascending; -0 counts as +0, and NaNs come last. Of the *num_keys keys in `keys` and those of the rows, the
 * greatest k stay in `keys`, in the order of a heap whose least comes first, and *num_keys becomes their
 * number. So several blocks may follow one another: start with *num_keys 0, sort descending at the end.
 *
 * *num_keys is at most k; `keys` has room for k, or for *num_keys + num_candidates where those are fewer. */
uint32_t engram_vector_dot_top_k(uint32_t level, const float *query, const float *candidates,
                                 size_t query_len, size_t num_candidates, uint32_t first_id,
                                 uint64_t *keys, size_t *num_keys, size_t k);

/* The id that a key was made of. */
static inline uint32_t engram_key_id(uint64_t key) { return ~(uint32_t)key; }

/* The score that a key was made of; all NaNs are one. */
static inline float engram_key_score(uint64_t key) {
    uint32_t ascending = (uint32_t)(key >> 32);
    uint32_t bits = ascending >> 31 ? ascending & 0x7fffffffu : ~ascending;
    float score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

/* norms[r] = sqrt(candidates[r] · candidates[r]), for rows of `dimensions` numbers */
uint32_t engram_vector_norms(uint32_t level, const float *candidates, float *norms, size_t dimensions,
                             size_t num_candidates);

/* dots[r] = the sum of query[i] * codes[r][i], modulo 2^32. `codes` is a row-major block of
 * `num_candidates` rows of `query_len` codes. Where 128 times the sum of all |query[i]| is below 2^31
 * nothing wraps. A quarter of the bytes of engram_vector_dot: a first scan that finds which vectors are
 * worth an exact score. */
uint32_t engram_vector_dot_i8(uint32_t level, const int16_t *query, const int8_t *codes, int32_t *dots,
                              size_t query_len, size_t num_candidates);

/* ---- Spreading activation: one hop ----
 *
 * Weights and released amounts are at least 0 and not NaN. */

/* Adds released[k] * weight to accumulator[target] for every edge of row sources[k], for each k in
 * turn, and marks the target's line of 16 nodes and region of 1024: touched_lines[target / 16] and
 * touched_regions[target / 1024] become 1. If both are null, nothing is marked, which is faster where
 * most of the accumulators are going to be looked at anyway.
 *
 * Row r is offsets[r] .. offsets[r + 1] of `targets` and `weights`. `offsets` has num_rows + 1 entries
 * (0 where num_rows is 0), `sources` and `released` num_sources, `targets` and `weights` num_edges,
 * `accumulator` num_nodes, `touched_lines` num_nodes / 16 rounded up, and `touched_regions`
 * num_nodes / 1024 rounded up.
 *
 * Every index is checked before it is used, so the rows may come from a file: a source not below
 * num_rows, offsets that descend or exceed num_edges, or a target not below num_nodes gives
 * ENGRAM_BAD_GRAPH at once, with the edges before it done. */
uint32_t engram_spread_activation_push(uint32_t level, const uint32_t *sources, const float *released,
                                       size_t num_sources, const uint32_t *offsets, size_t num_rows,
                                       const uint32_t *targets, const float *weights, size_t num_edges,
                                       float *accumulator, size_t num_nodes, uint8_t *touched_lines,
                                       uint8_t *touched_regions);

/* The end of a hop. Gives each node of each line its next activation, x' = retention * x + hop_decay * a,
 * at most 2^60, where x is its activation and a its accumulator, which becomes 0. The nodes with x' > 0
 * are written to `active` in the order of the lines, *num_active becomes their number, and
 * *greatest_change the greatest |x' - x|. What seeds add is for the caller to do: their lines are not
 * among these.
 *
 * Line l is nodes 16 l to 16 l + 15, all of which `activation` and `accumulator` must have, and `lines`
 * has num_lines of them, none twice. `active` has room for 16 * num_lines nodes, all of which may be
 * overwritten; where it is null, the active nodes are only counted. retention and hop_decay are 0 to 1. Nothing is checked. */
uint32_t engram_spread_activation_settle(uint32_t level, const uint32_t *lines, size_t num_lines,
                                         float *activation, float *accumulator, float retention,
                                         float hop_decay, uint32_t *active, size_t *num_active,
                                         float *greatest_change);

/* accumulator[rows[r]] = the sum of released[source] * weight over the in-edges of row r, in their
 * order, for r from 0 to num_rows - 1.
 *
 * The in-edges lie in chunks of 16 rows, one row a lane (SELL-16): chunk c holds rows 16 c to
 * 16 c + 15, and step s, from chunk_offsets[c] to chunk_offsets[c + 1] - 1, has one edge for each of
 * them, at sources[16 s + lane] and weights[16 s + lane]. Short rows are padded with weight 0 and any
 * good source; so are the lanes of the last chunk that have no row. Sorting the rows by length keeps
 * the paddings few; ascending sources make a pull give the bits of a push.
 *
 * `chunk_offsets` has one entry more than there are chunks, the first of which need not be 0, and
 * ascends. Nothing is checked: every source must be an index into `released`, and every row one into
 * `accumulator`. */
uint32_t engram_spread_activation_pull(uint32_t level, const uint32_t *chunk_offsets,
                                       const uint32_t *sources, const float *weights,
                                       const uint32_t *rows, size_t num_rows, const float *released,
                                       float *accumulator);

/* The same for in-edges that lie row by row: those of row r are offsets[r] .. offsets[r + 1] of `sources`
 * and `weights`. For a few long rows, which would be mostly padding in a chunk: some are added up side by
 * side, so rows of like length belong together, the longest first. The lengths of rows must not ascend. */
uint32_t engram_spread_activation_pull_rows(uint32_t level, const uint32_t *offsets,
                                            const uint32_t *sources, const float *weights,
                                            const uint32_t *rows, size_t num_rows, const float *released,
                                            float *accumulator);

/* A whole hop into chunks of rows that are nobody's seeds: pulls as engram_spread_activation_pull does, into
 * num_chunks chunks, of which all 16 rows count, and then, for row r of `activation` and `next_released`,
 *
 *     next = min(retention * activation + hop_decay * arrived, 2^60)
 *     greatest change = max(that, |next - activation|); activation = next
 *     next_released = next * releases[r] if next >= thresholds[r], or else 0; in the first num_releasing chunks
 *
 * so that nothing is gone over twice. `activation` has 16 numbers a chunk; `releases`, `thresholds` and
 * `next_released` have 16 for each of the first num_releasing chunks, of which there are at most num_chunks.
 * Where `thresholds` is null, all release always. *num_active is how many activations are above 0 then,
 * *greatest_change the greatest change, 0 where there are no chunks. No number may be negative or NaN, and
 * activations are at most 2^60. */
uint32_t engram_spread_activation_hop(uint32_t level, const uint32_t *chunk_offsets, size_t num_chunks,
                                      const uint32_t *sources, const float *weights,
                                      const float *released, float *activation, float retention,
                                      float hop_decay, const float *releases, const float *thresholds,
                                      size_t num_releasing, float *next_released, size_t *num_active,
                                      float *greatest_change);

/* A pull for 8 cues at once: arrived[8 r + cue] = the sum of released[8 source + cue] * weight over the
 * in-edges of row r, in their order, for r from 0 to num_rows - 1. A cue has the bits that it would have
 * alone. Both arrays are best aligned to 32 bytes.
 *
 * The in-edges of row r are offsets[r] .. offsets[r + 1] of `sources` and `weights`, which have num_edges
 * entries; `offsets` has num_rows + 1, the first of which need not be 0, and ascends to at most num_edges.
 * Nothing is checked: `released` must have 8 numbers for every source. */
uint32_t engram_spread_activation_pull_batch(uint32_t level, const uint32_t *offsets, size_t num_rows,
                                             const uint32_t *sources, const float *weights,
                                             size_t num_edges, const float *released, float *arrived);

/* A whole hop for 8 cues at once, into rows that are nobody's seeds: pulls as above, and then, for each cue of
 * row r, at 8 r + cue of `activation` and `next_released`,
 *
 *     next = min(retention * activation + hop_decay * arrived, 2^60)
 *     greatest_changes[cue] = max(greatest_changes[cue], |next - activation|); activation = next
 *     next_released = next * gates[2 r] if next >= gates[2 r + 1], or else 0; for the first num_releasing rows
 *
 * so that nothing is gone over twice. Rows and edges are given as above. `activation` has 8 numbers for each
 * row; `gates` has 2 and `next_released` 8 for each of the first num_releasing, of which there are at most
 * num_rows; `greatest_changes` has 8. No number may be negative or NaN, and activations are at most 2^60. */
uint32_t engram_spread_activation_hop_batch(uint32_t level, const uint32_t *offsets, size_t num_rows,
                                            const uint32_t *sources, const float *weights,
                                            size_t num_edges, const float *released, float *activation,
                                            float retention, float hop_decay, const float *gates,
                                            size_t num_releasing, float *next_released,
                                            float *greatest_changes);

/* ---- Memory decay ---- */

#define ENGRAM_CURVE_HALF_LIFE 0u     /* 2^(-age / stability) */
#define ENGRAM_CURVE_TIME_CONSTANT 1u /* e^(-age / stability) */
#define ENGRAM_CURVE_POWER 2u         /* (1 + age / stability)^(-exponent) */

/* results[m] = strengths[m] * what the curve retains of it. An age not above 0 (or NaN) counts as 0; a
 * stability not above 0 (or NaN) retains nothing; nor is anything retained below 2^-126. `exponent`,
 * finite and above 0, counts for ENGRAM_CURVE_POWER only. `results` may be `strengths` itself. */
uint32_t engram_apply_decay(uint32_t level, const float *strengths, const double *ages_seconds,
                            const double *stabilities_seconds, float *results, size_t num_memories,
                            uint32_t curve, float exponent);

#ifdef __cplusplus
}
#endif

#endif

//! Rust's target features and Zig's names for them, by family of processors.
//!
//! Taken from `rustc --print target-features` and `lib/std/Target/*.zig` of Zig 0.15.2, 0.16.0 and 0.17.1: a feature
//! stands here where all three know it, else it is marked with the versions that do. Zig's name is Rust's with `-`
//! and `.` turned to `_`, but for those in `renamed`.
//!
//! Left out are `crt-static`, which is no property of a processor, and AArch64's `outline-atomics`, whose helper
//! routines would be undefined symbols of the library.

/// The features of one family.
pub(crate) struct Family {
    /// Rust's names of the features that have the same name in Zig but for `-` and `.`, parted by spaces.
    pub(crate) same: &'static str,
    /// Rust's name, Zig's name, and the minor versions of Zig 0.x that know it: first, and first not.
    pub(crate) renamed: &'static [(&'static str, &'static str, u32, u32)],
}

const ANY: u32 = u32::MAX;

pub(crate) const X86: Family = Family {
    same: "\
        adx aes amx-avx512 amx-bf16 amx-complex amx-fp16 amx-fp8 amx-int8 amx-movrs amx-tf32 amx-tile avx \
        avx2 avx512bf16 avx512bitalg avx512bw avx512cd avx512dq avx512f avx512fp16 avx512ifma avx512vbmi \
        avx512vbmi2 avx512vl avx512vnni avx512vp2intersect avx512vpopcntdq avxifma avxneconvert avxvnni \
        avxvnniint16 avxvnniint8 bmi2 ermsb f16c fma fma4 fxsr gfni kl lzcnt movbe movrs popcnt prfchw \
        rdseed rtm sha sha512 sm3 sm4 sse sse2 sse3 sse4.1 sse4.2 sse4a ssse3 tbm vaes vpclmulqdq widekl x87 \
        xop xsave xsavec xsaveopt xsaves \
    ",
    renamed: &[
        ("avx10.1", "avx10_1", 16, ANY),
        ("avx10.2", "avx10_2", 16, ANY),
        ("avx512f", "evex512", 0, 17),
        ("bmi1", "bmi", 0, ANY),
        ("cmpxchg16b", "cx16", 0, ANY),
        ("lahfsahf", "sahf", 0, ANY),
        ("pclmulqdq", "pclmul", 0, ANY),
        ("rdrand", "rdrnd", 0, ANY),
    ],
};

pub(crate) const AARCH64: Family = Family {
    same: "\
        aes bf16 bti crc cssc dit dotprod ecv f32mm f64mm faminmax flagm fp8 fp8dot2 fp8dot4 fp8fma hbc i8mm \
        jsconv lor lse lse128 lse2 lut mops mte neon pan pauth-lr rand ras rcpc rcpc3 rdm sb sha2 sha3 sm4 \
        sme sme-b16b16 sme-f16f16 sme-f64f64 sme-f8f16 sme-f8f32 sme-fa64 sme-i16i64 sme-lutv2 sme2 sme2p1 \
        spe ssbs ssve-fp8dot2 ssve-fp8dot4 ssve-fp8fma sve sve-b16b16 sve2 sve2-aes sve2-bitperm sve2-sha3 \
        sve2-sm4 sve2p1 v8.1a v8.2a v8.3a v8.4a v8.5a v8.6a v8.7a v8.8a v8.9a v9.1a v9.2a v9.3a v9.4a v9.5a \
        v9a vh wfxt \
    ",
    renamed: &[
        ("dpb", "ccpp", 0, ANY),
        ("dpb2", "ccdp", 0, ANY),
        ("fcma", "complxnum", 0, ANY),
        ("fhm", "fp16fml", 0, ANY),
        ("flagm2", "altnzcv", 0, ANY),
        ("fp16", "fullfp16", 0, ANY),
        ("frintts", "fptoint", 0, ANY),
        ("paca", "pauth", 0, ANY),
        ("pacg", "pauth", 0, ANY),
        ("pmuv3", "perfmon", 0, ANY),
        ("rcpc2", "rcpc_immo", 0, ANY),
    ],
};

pub(crate) const ARM: Family = Family {
    same: "\
        aclass aes crc d32 dotprod dsp fp-armv8 fp16 fpregs i8mm mclass neon rclass sha2 soft-float \
        thumb-mode thumb2 trustzone vfp2 vfp3 vfp4 virtualization \
    ",
    renamed: &[
        ("v5te", "has_v5te", 0, ANY),
        ("v6", "has_v6", 0, ANY),
        ("v6k", "has_v6k", 0, ANY),
        ("v6t2", "has_v6t2", 0, ANY),
        ("v7", "has_v7", 0, ANY),
        ("v8", "has_v8", 0, ANY),
    ],
};

pub(crate) const RISCV: Family = Family {
    same: "\
        a b c d e f m relax rva23u64 supm unaligned-scalar-mem unaligned-vector-mem v za128rs za64rs zaamo \
        zabha zacas zalrsc zama16b zawrs zba zbb zbc zbkb zbkc zbkx zbs zca zcb zcmop zdinx zfa zfbfmin zfh \
        zfhmin zfinx zhinx zhinxmin zic64b zicbom zicbop zicboz ziccamoa ziccif zicclsm ziccrse zicntr \
        zicond zicsr zifencei zihintntl zihintpause zihpm zimop zk zkn zknd zkne zknh zkr zks zksed zksh zkt \
        ztso zvbb zvbc zve32f zve32x zve64d zve64f zve64x zvfbfmin zvfbfwma zvfh zvfhmin zvkb zvkg zvkn \
        zvknc zvkned zvkng zvknha zvknhb zvks zvksc zvksed zvksg zvksh zvkt zvl1024b zvl128b zvl16384b \
        zvl2048b zvl256b zvl32768b zvl32b zvl4096b zvl512b zvl64b zvl65536b zvl8192b \
    ",
    renamed: &[],
};

pub(crate) const WASM: Family = Family {
    same: "\
        atomics bulk-memory exception-handling extended-const multivalue mutable-globals nontrapping-fptoint \
        reference-types relaxed-simd sign-ext simd128 tail-call wide-arithmetic \
    ",
    renamed: &[("gc", "gc", 17, ANY)],
};

pub(crate) const LOONGARCH: Family = Family {
    same: "\
        d div32 f frecipe lam-bh lamcas lasx lbt ld-seq-sa lsx lvz relax scq ual \
    ",
    renamed: &[("32s", "32s", 16, ANY)],
};

pub(crate) const POWERPC: Family = Family {
    same: "\
        altivec msync partword-atomics power10-vector power8-altivec power8-vector power9-altivec \
        power9-vector quadword-atomics vsx \
    ",
    renamed: &[("power8-crypto", "crypto", 0, ANY)],
};

pub(crate) const S390X: Family = Family {
    same: "\
        backchain concurrent-functions deflate-conversion enhanced-sort guarded-storage high-word \
        message-security-assist-extension12 message-security-assist-extension3 \
        message-security-assist-extension4 message-security-assist-extension5 \
        message-security-assist-extension8 message-security-assist-extension9 miscellaneous-extensions-2 \
        miscellaneous-extensions-3 miscellaneous-extensions-4 nnp-assist transactional-execution vector \
        vector-enhancements-1 vector-enhancements-2 vector-enhancements-3 vector-packed-decimal \
        vector-packed-decimal-enhancement vector-packed-decimal-enhancement-2 \
        vector-packed-decimal-enhancement-3 \
    ",
    renamed: &[],
};

pub(crate) const SPARC: Family = Family {
    same: "\
        v8plus v9 \
    ",
    renamed: &[],
};

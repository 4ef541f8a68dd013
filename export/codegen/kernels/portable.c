/* What every kernel is written in: C99 of any compiler, faster where it is known. */
#ifdef __GNUC__
#define KERNEL static inline __attribute__((always_inline, unused))
#define LAYER static __attribute__((noinline))
#else
#define KERNEL static inline
#define LAYER static
#endif

/* Shifts of negative numbers keep the sign, and 32 bits wrap, as with every compiler that is known. */
typedef char signed_shifts_are_arithmetic[(-1 >> 1) == -1 ? 1 : -1];

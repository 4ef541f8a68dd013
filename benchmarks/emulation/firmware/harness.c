/*
 * Run a model on every input in inputs.bin, and measure what it takes.
 *
 * FUNCTION_PREFIX begins the model's functions, MACRO_PREFIX its macros; MODEL_HEADER is its header; CLASSIFIER is
 * defined if it has functions for images and classes. answers.bin gets, for each input, the output and the class as
 * 16 bits, least significant byte first; the class is 0 if the model has none. stack.bin gets bytes of stack as 32
 * bits, least significant byte first: of known_stack, and of the model. Between counting_begins and counting_ends an
 * emulator counts instructions: of nothing, of known_work, then of the model, once for each input.
 */
#include <stdint.h>

#include MODEL_HEADER

#include "files.h"

#define JOIN_EXPANDED(prefix, name) prefix##_##name
#define JOIN(prefix, name) JOIN_EXPANDED(prefix, name)

#define INPUT_BYTES JOIN(MACRO_PREFIX, INPUT_BYTES)
#define OUTPUT_BYTES JOIN(MACRO_PREFIX, OUTPUT_BYTES)
#define ARENA_BYTES JOIN(MACRO_PREFIX, ARENA_BYTES)
#define WORDS(bytes) ((bytes) / 4 + 1)

enum { PAINTED = 4096, PAINTED_FOR = 8, ANSWER_BYTES = OUTPUT_BYTES + 2 };
enum { EXIT_NO_FILE = 2, EXIT_NOT_WRITTEN = 3, EXIT_TORN_INPUT = 4, EXIT_BEYOND_ARENA = 5 };

#if defined(__arm__) || defined(__aarch64__)
#define STACK_POINTER "mov %0, sp"
#elif defined(__riscv)
#define STACK_POINTER "mv %0, sp"
#elif defined(__s390x__)
#define STACK_POINTER "lgr %0, %%r15"
#elif defined(__x86_64__)
#define STACK_POINTER "mov %%rsp, %0"
#else
#error "no stack pointer is known for this instruction set"
#endif

typedef void work(const uint8_t *from, uint8_t *into);

work nothing, known_work, known_stack;

/* Apart from each other and as large as the model may use, so that a sanitizer sees a step beyond; aligned as
 * the model's element types may ask. */
#define ALIGNED __attribute__((aligned(8)))
static uint8_t input[INPUT_BYTES] ALIGNED, output[OUTPUT_BYTES] ALIGNED;
static uint32_t arena[WORDS(ARENA_BYTES)] ALIGNED;
static uint8_t answer[ANSWER_BYTES];

__attribute__((noinline)) void counting_begins(void)
{
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void counting_ends(void)
{
    __asm__ volatile("" ::: "memory");
}

/* The same instructions around whatever is counted, so that `nothing` tells how many they are. */
__attribute__((noinline)) static void counted(work *function)
{
    counting_begins();
    function(input, output);
    counting_ends();
}

static void run(const uint8_t *from, uint8_t *into)
{
    JOIN(FUNCTION_PREFIX, run)((const void *)from, (void *)into, arena);
}

/* Paint the memory below the stack pointer, call the function, and see how far the paint is gone. */
__attribute__((noinline, no_sanitize("address", "undefined"))) static uint32_t stack_of(work *function,
                                                                                        uint8_t paint)
{
    volatile uint8_t *top, *byte;
    __asm__ volatile(STACK_POINTER : "=r"(top));
    for (byte = top - PAINTED; byte < top; byte++)
        *byte = paint;
    function(input, output);
    for (byte = top - PAINTED; byte < top && *byte == paint; byte++)
        continue;
    return (uint32_t)(top - byte);
}

/* Painted in two colours, lest the deepest byte be of the colour by chance. */
static uint32_t deeper(uint32_t so_far, work *function)
{
    uint32_t one = stack_of(function, 0xA5), other = stack_of(function, 0x5A);
    if (one < other)
        one = other;
    return one < so_far ? so_far : one;
}

static int run_model(void)
{
    uint32_t index, found = 0;
    arena[ARENA_BYTES / 4] = 0xA5A5A5A5u;
    counted(run);
    if (arena[ARENA_BYTES / 4] != 0xA5A5A5A5u)
        return EXIT_BEYOND_ARENA;
    for (index = 0; index < OUTPUT_BYTES; index++)
        answer[index] = output[index];
#ifdef CLASSIFIER
    found = (uint32_t)JOIN(FUNCTION_PREFIX, classify)(input);
#endif
    answer[OUTPUT_BYTES] = (uint8_t)found;
    answer[OUTPUT_BYTES + 1] = (uint8_t)(found >> 8);
    return 0;
}

static int write_stack(uint32_t model)
{
    uint32_t known = deeper(0, known_stack);
    uint8_t bytes[8];
    int index, lost;
    int32_t file = file_open("stack.bin", WRITING);
    if (file < 0)
        return EXIT_NO_FILE;
    for (index = 0; index < 4; index++) {
        bytes[index] = (uint8_t)(known >> (8 * index));
        bytes[4 + index] = (uint8_t)(model >> (8 * index));
    }
    lost = file_write(file, bytes, sizeof bytes);
    return file_close(file) || lost ? EXIT_NOT_WRITTEN : 0;
}

int main(void)
{
    uint32_t size, done = 0, stack = 0;
    int lost = 0, failed = 0;
    int32_t from = file_open("inputs.bin", READING), into = file_open("answers.bin", WRITING);
    if (from < 0 || into < 0)
        return EXIT_NO_FILE;
    counted(nothing);
    counted(known_work);
    for (; failed == 0 && (size = file_read(from, input, INPUT_BYTES)) != 0; done++) {
        failed = size == INPUT_BYTES ? run_model() : EXIT_TORN_INPUT;
        if (done < PAINTED_FOR)
            stack = deeper(stack, run);
        lost |= file_write(into, answer, ANSWER_BYTES);
    }
    if (failed != 0)
        return failed;
    if (file_close(into) || lost)
        return EXIT_NOT_WRITTEN;
    return write_stack(stack);
}

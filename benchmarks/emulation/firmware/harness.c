/*
 * Run a model on every image in images.bin, and measure what it takes.
 *
 * MODEL is the prefix of the model's functions, MODEL_HEADER its header, IMAGE_BYTES and CLASSES its sizes.
 * answers.bin gets, for each image, the logits, the probabilities and the class, 2 * CLASSES + 1 bytes.
 * stack.bin gets bytes of stack as 32 bits, least significant byte first: of known_stack, and of the model.
 * Between counting_begins and counting_ends an emulator counts instructions: of nothing, of known_work, then
 * of the model's probabilities, once for each image.
 */
#include <stdint.h>

#include MODEL_HEADER

#include "files.h"

#define JOIN_EXPANDED(prefix, name) prefix##_##name
#define JOIN(prefix, name) JOIN_EXPANDED(prefix, name)

enum { BATCH = 8, PAINTED = 4096, PAINTED_FOR = BATCH };
enum { EXIT_NO_FILE = 2, EXIT_NOT_WRITTEN = 3, EXIT_TORN_IMAGE = 4 };

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

typedef void work(const uint8_t *pixels, uint8_t *into);

work nothing, known_work, known_stack;

/* Apart from each other and as large as the model may use, so that a sanitizer sees a step beyond. */
static uint8_t image[IMAGE_BYTES];
static int8_t logits[CLASSES];
static uint8_t probabilities[CLASSES];

static uint8_t images[BATCH][IMAGE_BYTES];
static uint8_t answers[BATCH][2 * CLASSES + 1];

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
    function(image, probabilities);
    counting_ends();
}

static void call_logits(const uint8_t *pixels, uint8_t *into)
{
    (void)into;
    JOIN(MODEL, logits)(pixels, logits);
}

static void call_classify(const uint8_t *pixels, uint8_t *into)
{
    *into = (uint8_t)JOIN(MODEL, classify)(pixels);
}

/* Paint the memory below the stack pointer, call the function, and see how far the paint is gone. */
__attribute__((noinline, no_sanitize("address", "undefined"))) static uint32_t stack_of(work *function,
                                                                                        uint8_t paint)
{
    volatile uint8_t *top, *byte;
    __asm__ volatile(STACK_POINTER : "=r"(top));
    for (byte = top - PAINTED; byte < top; byte++)
        *byte = paint;
    function(image, probabilities);
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

static void run_model(const uint8_t *pixels, uint8_t *into)
{
    uint32_t index;
    for (index = 0; index < IMAGE_BYTES; index++)
        image[index] = pixels[index];
    JOIN(MODEL, logits)(image, logits);
    counted(JOIN(MODEL, probabilities));
    for (index = 0; index < CLASSES; index++) {
        into[index] = (uint8_t)logits[index];
        into[CLASSES + index] = probabilities[index];
    }
    into[2 * CLASSES] = (uint8_t)JOIN(MODEL, classify)(image);
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
    uint32_t index, size, done = 0, stack = 0;
    int lost = 0;
    int32_t input = file_open("images.bin", READING), output = file_open("answers.bin", WRITING);
    if (input < 0 || output < 0)
        return EXIT_NO_FILE;
    counted(nothing);
    counted(known_work);
    while ((size = file_read(input, images, sizeof images)) != 0) {
        if (size % IMAGE_BYTES != 0)
            return EXIT_TORN_IMAGE;
        for (index = 0; index < size / IMAGE_BYTES; index++, done++) {
            run_model(images[index], answers[index]);
            if (done < PAINTED_FOR) {
                stack = deeper(stack, call_logits);
                stack = deeper(stack, JOIN(MODEL, probabilities));
                stack = deeper(stack, call_classify);
            }
        }
        lost |= file_write(output, answers, index * (uint32_t)sizeof answers[0]);
    }
    if (file_close(output) || lost)
        return EXIT_NOT_WRITTEN;
    return write_stack(stack);
}

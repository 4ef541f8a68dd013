/* Functions whose instructions and stack are known, to check what measures them against. */

#if defined(__arm__)
    .syntax unified
#if defined(__thumb__)
    .thumb
#endif
#endif
    .text

    .macro function name
    .balign 4
    .global \name
    .type \name, %function
\name:
    .endm

    .macro known symbol, value
    .global \symbol
    .set \symbol, \value
    .endm

    /* nothing: the one instruction that returns. */
    /* known_work: a loop of 1,000 rounds, known_instructions in all. */
    /* known_stack: stores at the lowest of known_stack_bytes. */
    known known_stack_bytes, 256

#if defined(__arm__)
    function nothing
    bx lr
    function known_work
    movs r2, #250
    lsls r2, r2, #2
1:  subs r2, r2, #1
    bne 1b
    bx lr
    known known_instructions, 2003
    function known_stack
    sub sp, sp, #256
    movs r2, #0
    str r2, [sp]
    add sp, sp, #256
    bx lr
#elif defined(__aarch64__)
    function nothing
    ret
    function known_work
    mov x2, #1000
1:  subs x2, x2, #1
    b.ne 1b
    ret
    known known_instructions, 2002
    function known_stack
    sub sp, sp, #256
    str xzr, [sp]
    add sp, sp, #256
    ret
#elif defined(__riscv)
    function nothing
    ret
    function known_work
    li t0, 1000
1:  addi t0, t0, -1
    bnez t0, 1b
    ret
    known known_instructions, 2002
    function known_stack
    addi sp, sp, -256
    sb zero, 0(sp)
    addi sp, sp, 256
    ret
#elif defined(__s390x__)
    function nothing
    br %r14
    function known_work
    lghi %r1, 1000
1:  brctg %r1, 1b
    br %r14
    known known_instructions, 1002
    function known_stack
    aghi %r15, -256
    mvi 0(%r15), 0
    aghi %r15, 256
    br %r14
#elif defined(__x86_64__)
    function nothing
    ret
    function known_work
    mov $1000, %ecx
1:  dec %ecx
    jnz 1b
    ret
    known known_instructions, 2002
    function known_stack /* the call took 8 of the bytes */
    sub $248, %rsp
    movb $0, (%rsp)
    add $248, %rsp
    ret
#else
#error "no known functions for this instruction set"
#endif

#if defined(__linux__)
    .section .note.GNU-stack, "", %progbits
#endif

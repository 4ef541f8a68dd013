/*
 * A QEMU plugin: append to a file how many instructions ran between two functions of the guest.
 *
 * Arguments: begin=ADDRESS, end=ADDRESS, output=FILE. Each pair of calls gives 64 bits in the host's byte order.
 * The declarations are those of QEMU's qemu-plugin.h, which Debian's packages leave out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void translated_cb(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void executed_cb(unsigned int cpu, void *data);
typedef void exit_cb(qemu_plugin_id_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_cb *callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, executed_cb *callback,
                                          enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb *callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

static uint64_t begin, end, executed;
static FILE *output;

static void count(unsigned int cpu, void *instructions)
{
    (void)cpu;
    executed += (uintptr_t)instructions;
}

static void count_anew(unsigned int cpu, void *instructions)
{
    (void)cpu;
    executed = (uintptr_t)instructions;
}

static void report(unsigned int cpu, void *instructions)
{
    (void)cpu;
    (void)instructions;
    fwrite(&executed, sizeof executed, 1, output);
}

/* A function that is called begins a block. A block counts whole: none of those between is left early. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    uint64_t address = qemu_plugin_tb_vaddr(block);
    void *instructions = (void *)(uintptr_t)qemu_plugin_tb_n_insns(block);
    executed_cb *callback = address == begin ? count_anew : address == end ? report : count;
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, callback, QEMU_PLUGIN_CB_NO_REGS, instructions);
}

static void finish(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    fclose(output);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count_,
                                                               char **arguments)
{
    int index;
    (void)info;
    for (index = 0; index < count_; index++) {
        if (strncmp(arguments[index], "begin=", 6) == 0)
            begin = strtoull(arguments[index] + 6, NULL, 0);
        else if (strncmp(arguments[index], "end=", 4) == 0)
            end = strtoull(arguments[index] + 4, NULL, 0);
        else if (strncmp(arguments[index], "output=", 7) == 0)
            output = fopen(arguments[index] + 7, "wb");
    }
    if (begin == 0 || end == 0 || output == NULL)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}

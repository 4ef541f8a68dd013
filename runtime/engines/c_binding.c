/*
 * Calls a model's library for one input, in less time than ctypes takes to pass its arguments.
 *
 * Written for Python's stable ABI of 3.11, the first with buffers: one build serves every later Python.
 * The library's function is called by its address; nothing here knows what the model computes.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define AXES 8
#define ALIGNMENT 64 /* of the arena, and how far beyond its end kernels may read */
#define QUICK_NS 20000 /* who waits no longer than that for Python's lock loses nothing */

typedef void (*Function)(int32_t variant, const void *input, void *output, void *arena);

typedef struct {
    PyObject_VAR_HEAD
    Function function;
    int variant;
    int is_signed;
    int is_quick;
    int is_busy;
    int axes;
    Py_ssize_t shape[AXES];
    Py_ssize_t classes;
    PyObject *parts; /* a tuple, which holds the next four */
    PyObject *labels; /* a tuple, by the number of the class */
    PyObject *shares; /* a tuple, by the byte: what probability it stands for */
    PyObject *prediction; /* the type of answers */
    PyObject *decoder; /* what they are passed besides */
    uint8_t memory[]; /* where the arena is */
} Caller;

static int64_t now_ns(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int is_wanted(const Caller *caller, const Py_buffer *input)
{
    return input->ndim == caller->axes && input->format != NULL && strcmp(input->format, "B") == 0 &&
           memcmp(input->shape, caller->shape, (size_t)caller->axes * sizeof *input->shape) == 0;
}

/* A model that takes its time lets other threads of Python run. For a quick one, to let go of the lock and to
   get it back would cost a twentieth of the call, and far more where threads compete for it. */
static void run(Caller *caller, const void *input, void *output)
{
    void *arena = (void *)(((uintptr_t)caller->memory + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    if (caller->is_quick) {
        caller->function(caller->variant, input, output, arena);
        return;
    }
    caller->is_busy = 1;
    int64_t begin, end;
    Py_BEGIN_ALLOW_THREADS
    begin = now_ns();
    caller->function(caller->variant, input, output, arena);
    end = now_ns();
    Py_END_ALLOW_THREADS
    caller->is_quick = begin <= end && end - begin < QUICK_NS;
    caller->is_busy = 0;
}

/* The first of the largest, as numpy's argmax has it. */
static Py_ssize_t largest(const uint8_t *output, Py_ssize_t count, int is_signed)
{
    const int flip = is_signed ? 0x80 : 0;
    Py_ssize_t best = 0;
    for (Py_ssize_t i = 1; i < count; ++i) {
        if ((output[i] ^ flip) > (output[best] ^ flip)) {
            best = i;
        }
    }
    return best;
}

static PyObject *answer(Caller *caller, const void *input)
{
    PyObject *row = PyBytes_FromStringAndSize(NULL, caller->classes), *index = NULL, *found = NULL;
    if (row != NULL) {
        uint8_t *output = (uint8_t *)PyBytes_AsString(row);
        run(caller, input, output);
        const Py_ssize_t best = largest(output, caller->classes, caller->is_signed);
        PyObject *label = PyTuple_GetItem(caller->labels, best);
        PyObject *share = PyTuple_GetItem(caller->shares, output[best]);
        index = PyLong_FromSsize_t(best);
        if (index != NULL && label != NULL && share != NULL) {
            found =
                PyObject_CallFunctionObjArgs(caller->prediction, label, index, share, row, caller->decoder, NULL);
        }
    }
    Py_XDECREF(index);
    Py_XDECREF(row);
    return found;
}

static PyObject *one(PyObject *self, PyObject *input)
{
    Caller *caller = (Caller *)self;
    Py_buffer view;
    PyObject *found = Py_None;
    if (caller->is_busy) {
        Py_INCREF(found);
        return found;
    }
    if (PyObject_GetBuffer(input, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) {
        PyErr_Clear();
        Py_INCREF(found);
        return found;
    }
    if (is_wanted(caller, &view)) {
        found = answer(caller, view.buf);
    } else {
        Py_INCREF(found);
    }
    PyBuffer_Release(&view);
    return found;
}

static PyObject *make(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    unsigned long long address;
    int variant, is_signed;
    PyObject *shape, *parts, *labels, *shares, *prediction, *decoder;
    Py_ssize_t arena_bytes;
    if (!PyArg_ParseTuple(arguments, "KinO!pO!", &address, &variant, &arena_bytes, &PyTuple_Type, &shape,
                          &is_signed, &PyTuple_Type, &parts) ||
        !PyArg_ParseTuple(parts, "O!O!OO", &PyTuple_Type, &labels, &PyTuple_Type, &shares, &prediction, &decoder)) {
        return NULL;
    }
    const Py_ssize_t axes = PyTuple_Size(shape), classes = PyTuple_Size(labels);
    if (axes > AXES || arena_bytes < 0 || classes < 1) {
        PyErr_SetString(PyExc_ValueError, "an input of too many axes, an arena of no size, or no classes");
        return NULL;
    }
    Caller *caller = (Caller *)PyType_GenericAlloc(type, arena_bytes + 2 * ALIGNMENT); /* zeros */
    if (caller == NULL) {
        return NULL;
    }
    caller->function = (Function)(uintptr_t)address;
    caller->variant = variant;
    caller->is_signed = is_signed;
    caller->axes = (int)axes;
    for (Py_ssize_t i = 0; i < axes; ++i) {
        caller->shape[i] = PyLong_AsSsize_t(PyTuple_GetItem(shape, i));
    }
    caller->classes = classes;
    Py_INCREF(parts);
    caller->parts = parts;
    caller->labels = labels;
    caller->shares = shares;
    caller->prediction = prediction;
    caller->decoder = decoder;
    if (PyErr_Occurred()) {
        Py_CLEAR(caller);
    }
    return (PyObject *)caller;
}

static void unmake(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF(((Caller *)self)->parts);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"one", one, METH_O, "Return the prediction for one image of raw pixels; None for anything else."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {{Py_tp_new, make}, {Py_tp_dealloc, unmake}, {Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec spec = {"edgemnist_c_binding.Caller", sizeof(Caller), 1, Py_TPFLAGS_DEFAULT, slots};

static int fill(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&spec);
    const int failed = type == NULL || PyObject_SetAttrString(module, "Caller", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot parts[] = {{Py_mod_exec, fill}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "edgemnist_c_binding", NULL, 0, NULL, parts, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_edgemnist_c_binding(void)
{
    return PyModuleDef_Init(&definition);
}

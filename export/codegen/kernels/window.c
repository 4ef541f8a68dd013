/* The part of a filter or pool that lies within the input, along one axis. */
struct span {
    int32_t begin;
    int32_t end;
};

KERNEL struct span inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size)
{
    struct span span;

    span.begin = origin < 0 ? (dilation - 1 - origin) / dilation : 0;
    span.end = origin + (taps - 1) * dilation < size ? taps : (size - origin + dilation - 1) / dilation;
    if (span.end < span.begin) {
        span.end = span.begin;
    }
    return span;
}

/*
 * Preloaded into a task process whose memory can be checkpointed.
 *
 * - io_uring is refused: CRIU cannot dump its rings, and Node then does without.
 * - The monotonic clocks go on across a restore. They count from a node's boot, so that in another pod they may be days behind
 *   or ahead: timers would fire late, or all at once. The first eight bytes of the file that GANTRY_CLOCK_FILE names are added to
 *   them, in nanoseconds; the runner writes that file before a restore. It is mapped, so the first instruction sees it.
 * - Whoever has the same user may look into the process: CRIU must, and Yama would allow a parent alone.
 *
 * No time namespace: to enter one takes CAP_SYS_ADMIN.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
static const int64_t no_offset = 0;
static const volatile int64_t *offset = &no_offset;

#define REAL(name) \
  static __typeof__(name) *real_##name; \
  if (__builtin_expect(!real_##name, 0)) real_##name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  const char *path = getenv("GANTRY_CLOCK_FILE");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page != MAP_FAILED) offset = page;
}

static int is_monotonic(clockid_t clock) {
  return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
}

static struct timespec plus(struct timespec time, int64_t ns) {
  int64_t nanoseconds = time.tv_nsec + ns % SECOND;
  time.tv_sec += ns / SECOND;
  if (nanoseconds < 0) { nanoseconds += SECOND; time.tv_sec -= 1; }
  if (nanoseconds >= SECOND) { nanoseconds -= SECOND; time.tv_sec += 1; }
  time.tv_nsec = nanoseconds;
  return time;
}

/* An instant of this process's clock, as the kernel has it. */
static struct timespec to_kernel(clockid_t clock, const struct timespec *time) {
  struct timespec then = is_monotonic(clock) ? plus(*time, -*offset) : *time;
  if (then.tv_sec < 0) then.tv_sec = then.tv_nsec = 0;
  return then;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  int result = real_clock_gettime(clock, time);
  if (result == 0 && *offset != 0 && is_monotonic(clock)) *time = plus(*time, *offset);
  return result;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
  REAL(clock_nanosleep);
  if (!(flags & TIMER_ABSTIME)) return real_clock_nanosleep(clock, flags, time, left);
  struct timespec then = to_kernel(clock, time);
  return real_clock_nanosleep(clock, flags, &then, left);
}

int timerfd_settime(int file, int flags, const struct itimerspec *value, struct itimerspec *old) {
  REAL(timerfd_settime);
  /* Which clock it has is not known here; wall-clock instants lie decades after any boot. */
  if (!(flags & TFD_TIMER_ABSTIME) || value->it_value.tv_sec > 1000000000) return real_timerfd_settime(file, flags, value, old);
  struct itimerspec then = *value;
  then.it_value = to_kernel(CLOCK_MONOTONIC, &value->it_value);
  return real_timerfd_settime(file, flags, &then, old);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *time) {
  REAL(pthread_cond_timedwait);
  /* glibc keeps the clock of a condition here: see its pthread_condattr_setclock. */
  int clock = condition->__data.__wrefs & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  struct timespec then = to_kernel(clock, time);
  return real_pthread_cond_timedwait(condition, mutex, &then);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time) {
  REAL(pthread_cond_clockwait);
  struct timespec then = to_kernel(clock, time);
  return real_pthread_cond_clockwait(condition, mutex, clock, &then);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *time) {
  REAL(sem_clockwait);
  struct timespec then = to_kernel(clock, time);
  return real_sem_clockwait(semaphore, clock, &then);
}

long syscall(long number, ...) {
  static long (*real_syscall)(long, ...);
  if (!real_syscall) real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  if (number >= SYS_io_uring_setup && number <= SYS_io_uring_register) {
    errno = ENOSYS;
    return -1;
  }
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
  long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  return real_syscall(number, a, b, c, d, e, f);
}

/*
 * Preloaded into a task process whose memory can be checkpointed.
 *
 * - io_uring is refused: CRIU cannot dump its rings, and Node then does without.
 * - The monotonic clocks go on across a restore. They count from a node's boot, so that in another pod they may be days behind
 *   or ahead: timers would fire late, or all at once. The first eight bytes of the file that GANTRY_CLOCK_FILE names are added to
 *   them, in nanoseconds; the runner writes that file before a restore. It is mapped, so the first instruction sees it.
 * - Whoever has the same user may look into the process: CRIU must, and Yama would allow a parent alone.
 *
 * It is for this process alone: it takes itself out of the environment, so that programs which the task starts do without. So
 * no program may stand between task-parent and Node.
 *
 * No time namespace: to enter one takes CAP_SYS_ADMIN. What reads the kernel's clock past libc (a static program, a vDSO call of
 * one's own), timer_settime with an absolute time, and the timed locks of pthread_rwlock and pthread_mutex are not corrected.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
static const int64_t no_offset = 0;
static const volatile int64_t *offset = &no_offset;

/* libc's function of that name. Found when the library is loaded, as dlsym must not be called in a signal handler. */
#define REAL(name) \
  static __typeof__(name) *real_##name(void) { \
    static __typeof__(name) *found; \
    if (__builtin_expect(!found, 0)) found = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); \
    return found; \
  }
REAL(clock_gettime)
REAL(clock_nanosleep)
REAL(timerfd_settime)
REAL(pthread_cond_timedwait)
REAL(pthread_cond_clockwait)
REAL(sem_clockwait)
REAL(syscall)

static void find_all(void) {
  real_clock_gettime(), real_clock_nanosleep(), real_timerfd_settime(), real_syscall();
  real_pthread_cond_timedwait(), real_pthread_cond_clockwait(), real_sem_clockwait();
}

/* Without its clock a process would be restored with wrong timers: better that it does not start. */
static void map_clock(const char *path) {
  struct stat is;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &is) != 0 || is.st_size < (off_t)sizeof(int64_t)) goto failed;
  void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) goto failed;
  close(file);
  offset = page;
  return;
failed:
  dprintf(STDERR_FILENO, "preload.so: the clock's file %s: %s\n", path, errno ? strerror(errno) : "it is too short");
  _exit(122);
}

/* task-parent named this library first, before what the user preloads. */
static void leave_environment(void) {
  unsetenv("GANTRY_CLOCK_FILE");
  const char *all = getenv("LD_PRELOAD"), *rest = all ? strchr(all, ':') : NULL;
  if (rest) setenv("LD_PRELOAD", rest + 1, 1);
  else unsetenv("LD_PRELOAD");
}

__attribute__((constructor)) static void begin(void) {
  find_all();
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  errno = 0;
  const char *path = getenv("GANTRY_CLOCK_FILE");
  if (path) map_clock(path);
  leave_environment();
}

static int is_monotonic(clockid_t clock) {
  return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
}

static int is_before(struct timespec a, struct timespec b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

static struct timespec plus(struct timespec time, int64_t ns) {
  int64_t nanoseconds = time.tv_nsec + ns % SECOND;
  time.tv_sec += ns / SECOND;
  if (nanoseconds < 0) { nanoseconds += SECOND; time.tv_sec -= 1; }
  if (nanoseconds >= SECOND) { nanoseconds -= SECOND; time.tv_sec += 1; }
  time.tv_nsec = nanoseconds;
  return time;
}

/* An instant of this process's clock, as the kernel has it. One before the node's boot is the first there was: 0 is no time. */
static struct timespec to_kernel(clockid_t clock, const struct timespec *time) {
  static const struct timespec first = {0, 1};
  struct timespec then = is_monotonic(clock) ? plus(*time, -*offset) : *time;
  return then.tv_sec < 0 ? first : then;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = real_clock_gettime()(clock, time);
  if (result == 0 && *offset != 0 && is_monotonic(clock)) *time = plus(*time, *offset);
  return result;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
  if (!(flags & TIMER_ABSTIME)) return real_clock_nanosleep()(clock, flags, time, left);
  struct timespec then = to_kernel(clock, time);
  return real_clock_nanosleep()(clock, flags, &then, left);
}

int timerfd_settime(int file, int flags, const struct itimerspec *value, struct itimerspec *old) {
  /* Which clock it has is not known here; wall-clock instants lie decades after any boot. 0 disarms. */
  const struct timespec *at = &value->it_value;
  int is_instant = flags & TFD_TIMER_ABSTIME && at->tv_sec < SECOND && (at->tv_sec || at->tv_nsec);
  if (!is_instant) return real_timerfd_settime()(file, flags, value, old);
  struct itimerspec then = {value->it_interval, to_kernel(CLOCK_MONOTONIC, at)};
  return real_timerfd_settime()(file, flags, &then, old);
}

/*
 * Waiting for a condition until an instant. A thread that waits while its process is stored has handed the kernel an instant of
 * the old node's clock, and glibc goes on with that. So none waits longer than a second at once: to its caller that is one of
 * the wake-ups without a cause that every caller must expect, and the time is looked at again.
 */
static struct timespec within_a_second(clockid_t clock, const struct timespec *time) {
  struct timespec then = to_kernel(clock, time), soon;
  if (offset == &no_offset || !is_monotonic(clock) || real_clock_gettime()(clock, &soon) != 0) return then;
  soon.tv_sec += 1;
  return is_before(soon, then) ? soon : then;
}

static int or_woken(int result, clockid_t clock, const struct timespec *time) {
  struct timespec now;
  if (result != ETIMEDOUT || !is_monotonic(clock) || clock_gettime(clock, &now) != 0) return result;
  return is_before(now, *time) ? 0 : ETIMEDOUT;
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *time) {
  /* glibc keeps the clock of a condition here: see its pthread_condattr_setclock. */
  clockid_t clock = condition->__data.__wrefs & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  struct timespec then = within_a_second(clock, time);
  return or_woken(real_pthread_cond_timedwait()(condition, mutex, &then), clock, time);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time) {
  struct timespec then = within_a_second(clock, time);
  return or_woken(real_pthread_cond_clockwait()(condition, mutex, clock, &then), clock, time);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *time) {
  struct timespec then = to_kernel(clock, time);
  return real_sem_clockwait()(semaphore, clock, &then);
}

/* Rust's std and libstdc++ wait so. A restore interrupts the call, and they make it again. */
static int waits_until_monotonic(long number, long operation, long time) {
  return number == SYS_futex && time != 0 && (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
         !(operation & FUTEX_CLOCK_REALTIME);
}

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
  long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  if (number >= SYS_io_uring_setup && number <= SYS_io_uring_register) {
    errno = ENOSYS;
    return -1;
  }
  struct timespec then;
  if (waits_until_monotonic(number, b, d)) {
    then = to_kernel(CLOCK_MONOTONIC, (const struct timespec *)d);
    d = (long)&then;
  }
  return real_syscall()(number, a, b, c, d, e, f);
}

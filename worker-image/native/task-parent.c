/*
 * Parent of a task process whose memory can be checkpointed.
 *
 * CRIU restores a process and its threads under the ids they had, which must be free in the new pod. So the task's ids begin at
 * FIRST_ID, and everything that a pod starts before it restores (the runner, CRIU) has lower ones. And a restored process is the
 * child of this program, as a started one is: it ends as the task process ends, so that the runner learns of that end as of any
 * child's.
 *
 *   task-parent run PROGRAM [ARGUMENT…]        starts PROGRAM in a session of its own, with preload.so from beside this program
 *   task-parent restore PID CRIU [ARGUMENT…]   runs CRIU, and where that succeeds has process PID for a child
 *
 * On descriptor 3 it says `pid N` once the process is there, and closes it. Exit status: the task process's, or its signal.
 * Before there is one: 120 wrong use, 121 no process could be made, 122 PROGRAM could not be started, 123 CRIU failed (what it
 * left half restored is killed then).
 *
 * The two end together. The runner signals the task process, by the pid that it was told; what reaches this program is passed
 * on; and where this program is killed, the kernel kills the task process: PR_SET_PDEATHSIG, which CRIU stores and restores. It
 * counts from the parent at that moment, so CRIU must make the process a child of this program at once (--restore-sibling), not
 * its own, or it would be killed as CRIU ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRONG_USE = 120, NO_PROCESS = 121, NO_PROGRAM = 122, CRIU_FAILED = 123 };
/* A pod has used some 50 ids when it restores. Each costs 20 to 50 µs. */
enum { FIRST_ID = 500 };
enum { TOLD = 3 };

static volatile pid_t task;

static void fail(int status, const char *what) {
  fprintf(stderr, "task-parent: %s: %s\n", what, strerror(errno));
  exit(status);
}

/* Uses up ids until the next one is at least FIRST_ID. The kernel hands them out in turn. */
static void use_up_ids(void) {
  for (pid_t id = 0; id < FIRST_ID - 1;) {
    id = vfork();
    if (id == 0) _exit(0);
    if (id < 0) fail(NO_PROCESS, "fork");
    waitpid(id, NULL, 0);
  }
}

/* Adds preload.so before what the user preloads; it takes itself out of the variable again. */
static void preload(void) {
  static char value[2 * PATH_MAX];
  const char *users = getenv("LD_PRELOAD");
  ssize_t length = readlink("/proc/self/exe", value, PATH_MAX);
  char *name = length > 0 ? memrchr(value, '/', length) : NULL;
  if (!name) fail(NO_PROGRAM, "/proc/self/exe");
  snprintf(name + 1, value + sizeof value - name - 1, "preload.so%s%s", users ? ":" : "", users ? users : "");
  setenv("LD_PRELOAD", value, 1);
}

static void pass_on(int signal) {
  int before = errno;
  if (task > 0) kill(task, signal);
  errno = before;
}

/* Waits for `pid`, and reaps whatever else falls to this process. Its wait status, or -1: there is no such child. */
static int await_end(pid_t pid) {
  for (;;) {
    int status;
    pid_t ended = waitpid(-1, &status, 0);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return -1;
  }
}

/* A core of this program would be of no use. */
static int end_like(int status) {
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(WTERMSIG(status), SIG_DFL);
  raise(WTERMSIG(status));
  return 128 + WTERMSIG(status);
}

/* The task process is there: says so, and ends as it ends. */
static int accompany(pid_t pid) {
  static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
  struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
  task = pid;
  for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) sigaction(passed_on[i], &action, NULL);
  /* Nobody may be reading any more. */
  signal(SIGPIPE, SIG_IGN);
  dprintf(TOLD, "pid %d\n", pid);
  close(TOLD);
  int status = await_end(pid);
  task = 0;
  if (status < 0) fail(CRIU_FAILED, "the process is not there");
  return end_like(status);
}

static int run(char **command) {
  use_up_ids();
  preload();
  /* Returns here when PROGRAM has been started, or could not be. Memory is shared until then: `errno` is the child's. */
  volatile int is_started = 1;
  pid_t pid = vfork();
  if (pid == 0) {
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Nothing that it holds open may lead out of it. */
    close_range(TOLD, ~0U, 0);
    execvp(command[0], command);
    is_started = 0;
    _exit(NO_PROGRAM);
  }
  if (pid < 0) fail(NO_PROCESS, "fork");
  if (!is_started) fail(NO_PROGRAM, command[0]);
  return accompany(pid);
}

/* CRIU's command with the options that make the process this program's child. */
static char **as_sibling(char **criu, int words) {
  char **command = calloc(words + 3, sizeof *command);
  if (!command) fail(NO_PROCESS, "memory");
  memcpy(command, criu, words * sizeof *command);
  command[words] = "--restore-detached";
  command[words + 1] = "--restore-sibling";
  return command;
}

static int restore(pid_t pid, char **criu) {
  pid_t restoring = vfork();
  if (restoring == 0) {
    close_range(TOLD, ~0U, 0);
    execv(criu[0], criu);
    _exit(NO_PROGRAM);
  }
  if (restoring < 0) fail(NO_PROCESS, "fork");
  int status = await_end(restoring);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    /* Only what is a child of this program: another's process of that id may be what CRIU failed for. */
    if (waitpid(pid, NULL, WNOHANG) == 0) kill(pid, SIGKILL);
    return CRIU_FAILED;
  }
  /* What it starts from now on must not have an id of the next pod's runner either. */
  use_up_ids();
  return accompany(pid);
}

int main(int argc, char **argv) {
  /* What a task process leaves behind becomes this process's child. */
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (argc >= 3 && strcmp(argv[1], "run") == 0) return run(argv + 2);
  pid_t pid = argc >= 4 && strcmp(argv[1], "restore") == 0 ? atoi(argv[2]) : 0;
  if (pid > 1) return restore(pid, as_sibling(argv + 3, argc - 3));
  fprintf(stderr, "usage: task-parent run PROGRAM [ARGUMENT...] | restore PID CRIU [ARGUMENT...]\n");
  return WRONG_USE;
}

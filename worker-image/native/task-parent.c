/*
 * Parent of a task process whose memory can be checkpointed.
 *
 * CRIU restores a process and its threads under the ids they had, which must be free in the new pod. So the task's ids begin at
 * FIRST_ID, and everything else in a pod (the runner, CRIU) has its own before these are handed out. And a restored process is
 * the child of whoever adopts it: this program does, and ends as the task process ended, so that the runner learns of that end
 * as of any child's.
 *
 *   task-parent run PROGRAM [ARGUMENT…]        starts PROGRAM in a session of its own, with preload.so from beside this program
 *   task-parent restore PID CRIU [ARGUMENT…]   runs CRIU, and where that succeeds adopts process PID
 *
 * On descriptor 3 it says `pid N` once the process is there. Exit status: the task process's, or its signal. Before there is
 * one: 120 wrong use, 121 no process could be made, 122 PROGRAM could not be started, 123 CRIU failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRONG_USE = 120, NO_PROCESS = 121, NO_PROGRAM = 122, CRIU_FAILED = 123 };
enum { FIRST_ID = 1000, TOLD = 3 };

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

static void preload(void) {
  char path[PATH_MAX + 16];
  ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
  path[length > 0 ? length : 0] = 0;
  char *slash = strrchr(path, '/');
  if (!slash) fail(NO_PROGRAM, "/proc/self/exe");
  strcpy(slash + 1, "preload.so");
  setenv("LD_PRELOAD", path, 1);
}

static void tell(pid_t pid) {
  dprintf(TOLD, "pid %d\n", pid);
  close(TOLD);
}

/* Waits for `pid`, and reaps whatever else falls to this process. */
static int await_end(pid_t pid) {
  for (;;) {
    int status;
    pid_t ended = waitpid(-1, &status, 0);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) fail(CRIU_FAILED, "the process is not there");
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

static int run(char **command) {
  use_up_ids();
  pid_t pid = fork();
  if (pid < 0) fail(NO_PROCESS, "fork");
  if (pid == 0) {
    setsid();
    preload();
    /* Nothing that it holds open may lead out of it. */
    close_range(TOLD, ~0U, 0);
    execvp(command[0], command);
    fail(NO_PROGRAM, command[0]);
  }
  tell(pid);
  return end_like(await_end(pid));
}

static int restore(pid_t pid, char **criu) {
  pid_t restoring = fork();
  if (restoring < 0) fail(NO_PROCESS, "fork");
  if (restoring == 0) {
    close_range(TOLD, ~0U, 0);
    execv(criu[0], criu);
    fail(NO_PROGRAM, criu[0]);
  }
  int status = await_end(restoring);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return CRIU_FAILED;
  /* What it starts from now on must not have an id of the next pod's runner either. */
  use_up_ids();
  tell(pid);
  return end_like(await_end(pid));
}

int main(int argc, char **argv) {
  /* What a task process leaves behind, and what CRIU restores, becomes this process's child. */
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (argc >= 3 && strcmp(argv[1], "run") == 0) return run(argv + 2);
  if (argc >= 4 && strcmp(argv[1], "restore") == 0) return restore((pid_t)atoi(argv[2]), argv + 3);
  fprintf(stderr, "usage: task-parent run PROGRAM [ARGUMENT...] | restore PID CRIU [ARGUMENT...]\n");
  return WRONG_USE;
}

export function descendants(pid: number): Promise<number[]>;
export function livingOf(pids: number[]): Promise<number[]>;

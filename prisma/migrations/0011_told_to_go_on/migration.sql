-- A held worker counts as held until it is told to go on, which is later than the moment in which its run has a slot again:
-- admission leaves `execution.park` alone, and the answer that tells the worker takes it away. Until then none of the task's
-- code has run since the wait, and what is lost with the process is what was lost while it waited.
-- But for that, admit_runs is as the tenth migration made it. The previous release works on this schema: it looks at `park` of
-- executions that are PARKED alone.
do $$
declare
  v_before text := pg_get_functiondef('admit_runs(int, int, bigint[], timestamptz[], jsonb, int, int, boolean, boolean)'::regprocedure);
  v_after text := replace(v_before, 'set state = ''RUNNING'', park = null from admitted', 'set state = ''RUNNING'' from admitted');
begin
  if v_after = v_before then raise exception 'admit_runs is not what the tenth migration made of it'; end if;
  execute v_after;
end $$;

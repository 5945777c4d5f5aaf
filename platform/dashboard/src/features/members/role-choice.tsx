import type { Role } from "@gantry/sdk/contract";
import classes from "./members.module.css";
import { ROLE_FACTS, ROLES } from "./role-facts.ts";

/** One of the roles, with what each may do. */
export function RoleChoice({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  return (
    <fieldset className={classes.roles}>
      <legend>Role</legend>
      {ROLES.map((role) => (
        <label key={role} className={classes.role}>
          <input type="radio" name="role" value={role} checked={value === role} onChange={() => onChange(role)} />
          <span>
            <b>{ROLE_FACTS[role].label}</b>
            <span className="muted">{ROLE_FACTS[role].use}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

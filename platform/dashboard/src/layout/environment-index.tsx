import { Navigate } from "@tanstack/react-router";

export default function EnvironmentIndex() {
  return <Navigate from="/projects/$project/$environment" to="/projects/$project/$environment/runs" replace />;
}

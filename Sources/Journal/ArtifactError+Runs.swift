import ArtifactModel

extension ArtifactError {
    static func noRun(_ id: String) -> ArtifactError {
        ArtifactError(.notFound, "there is no run '\(id.escapedForLog)' here; start it, or check its id")
    }

    static func noExperiment(_ id: String) -> ArtifactError {
        ArtifactError(.notFound, "there is no experiment '\(id.escapedForLog)' here; create it, or check its id")
    }

    static func foreignRun(_ id: String, tenant: String) -> ArtifactError {
        ArtifactError(
            .tenantMismatch,
            "run '\(id.escapedForLog)' belongs to another tenant than '\(tenant.escapedForLog)'; act for that tenant")
    }

    static func foreignExperiment(_ id: String, tenant: String) -> ArtifactError {
        ArtifactError(
            .tenantMismatch,
            "experiment '\(id.escapedForLog)' belongs to another tenant than '\(tenant.escapedForLog)'; act for that tenant")
    }
}

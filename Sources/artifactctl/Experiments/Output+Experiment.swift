import ArtifactModel

extension Output {
    /// Writes an experiment on one line.
    func experiment(_ experiment: Experiment) throws {
        if isJSON { return try document(ExperimentDocument(experiment)) }
        let stage = experiment.stage.description.padded(to: 7)
        try line("\(experiment.id)  \(stage)  \(Human.moment(experiment.createdAt))  \(experiment.name.shown)")
    }
}

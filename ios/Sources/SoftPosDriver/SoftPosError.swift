import SoftPosCore

extension SoftPosError {
    /// What it says, whichever of the errors it is: a stable code, where the money is, sentences in both languages.
    public var fault: Fault {
        switch self {
        case .InvalidInput(let fault), .NotReady(let fault), .StoreInUse(let fault), .StoreDamaged(let fault),
            .HostUnreachable(let fault), .HostRefused(let fault), .ResultUnknown(let fault), .Closed(let fault):
            fault
        }
    }
}

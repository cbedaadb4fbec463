package softpos.driver

import softpos.core.Fault
import softpos.core.SoftPosException

/** What it says, whichever of the errors it is: a stable code, where the money is, sentences in both languages. */
val SoftPosException.fault: Fault
    get() = when (this) {
        is SoftPosException.InvalidInput -> fault
        is SoftPosException.NotReady -> fault
        is SoftPosException.StoreInUse -> fault
        is SoftPosException.StoreDamaged -> fault
        is SoftPosException.HostUnreachable -> fault
        is SoftPosException.HostRefused -> fault
        is SoftPosException.ResultUnknown -> fault
        is SoftPosException.Closed -> fault
    }

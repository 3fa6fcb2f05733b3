// The generators' library refers to the model of the generator that it is
// linked into. Tests bring their own graphs.
#include "dsl/model.h"

void KilnModelDefinition(kiln::ModelBuilder&) {}

from . import errors as errors
from . import models as models
from . import report as report
from . import taxonomy as taxonomy
from .data.dataset import Dataset as Dataset
from .data.loading import load_dataset as load_dataset
from .data.audit import Audit as Audit
from .data.audit import audit as audit
from .data.folds import folds as folds
from .data.balance import balance as balance
from .data.samples import draw_lesion as draw_lesion
from .data.samples import write_samples as write_samples
from .models.building import build_model as build_model
from .models.info import ModelInfo as ModelInfo
from .models.info import model_info as model_info
from .models.registry import list_models as list_models
from .detection.operating import OperatingPoint as OperatingPoint
from .detection.decision import Prediction as Prediction
from .detection.detector import Detector as Detector
from .detection.explain import Explanation as Explanation
from .scoring.score import Scores as Scores
from .scoring.score import score as score
from .measuring.evaluation import Evaluation as Evaluation
from .exporting.formats import Exported as Exported
from .learning.recipes import Augmentation as Augmentation
from .learning.recipes import Recipe as Recipe

__version__: str

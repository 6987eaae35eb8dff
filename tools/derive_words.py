"""Derive ``resources/words.json`` from WordNet: names as people say them, and more general words for groups of classes.

    apt-get install wordnet-base && python tools/derive_words.py

The 1,000 classes of ImageNet are synsets of WordNet 3.0 (``label_ids`` of the described model ``vgg16-imagenet``).
Which classes lie under a word is WordNet's hierarchy of hypernyms (``/usr/share/wordnet/data.noun``, format wndb(5WN));
which of its words people say, and what they call a class, was chosen by hand and stands below. WordNet 3.0 is Copyright
2006 by Princeton University; its licence is in ``resources/licences/WordNet-3.0.txt``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOUNS = Path("/usr/share/wordnet/data.noun")

# What people call a class, where the list's own name is a term of art, a part of a name, or two things at once.
NAMES = """
cock: rooster
robin: American robin
water ouzel: dipper
kite: kite (bird)
European fire salamander: fire salamander
common newt: smooth newt
loggerhead: loggerhead turtle
common iguana: green iguana
American chameleon: green anole
whiptail: whiptail lizard
agama: agama lizard
African chameleon: chameleon
African crocodile: Nile crocodile
American alligator: alligator
triceratops: Triceratops
thunder snake: worm snake
king snake: kingsnake
rock python: python
Indian cobra: cobra
diamondback: diamondback rattlesnake
sidewinder: sidewinder rattlesnake
harvestman: daddy longlegs
black and gold garden spider: yellow garden spider
black widow: black widow spider
African grey: African grey parrot
drake: drake (male duck)
tusker: elephant with tusks
isopod: woodlouse
American egret: great egret
European gallinule: swamphen
American coot: coot
red-backed sandpiper: dunlin
killer whale: orca
Japanese spaniel: Japanese Chin
Maltese dog: Maltese
Pekinese: Pekingese
Blenheim spaniel: King Charles spaniel
papillon: Papillon (dog)
basset: basset hound
bluetick: bluetick coonhound
Walker hound: Treeing Walker coonhound
redbone: redbone coonhound
Staffordshire bullterrier: Staffordshire bull terrier
Airedale: Airedale terrier
cairn: cairn terrier
Dandie Dinmont: Dandie Dinmont terrier
Boston bull: Boston terrier
Scotch terrier: Scottish terrier
Lhasa: Lhasa Apso
German short-haired pointer: German shorthaired pointer
clumber: Clumber spaniel
English springer: English springer spaniel
groenendael: Groenendael
malinois: Malinois
kelpie: Australian kelpie
boxer: boxer (dog)
bull mastiff: bullmastiff
Eskimo dog: husky
malamute: Alaskan malamute
dalmatian: Dalmatian
Leonberg: Leonberger
chow: chow chow
Brabancon griffon: Brussels griffon
Pembroke: Pembroke Welsh corgi
Cardigan: Cardigan Welsh corgi
Mexican hairless: Mexican hairless dog
timber wolf: grey wolf
white wolf: Arctic wolf
African hunting dog: African wild dog
tabby: tabby cat
cougar: puma
ice bear: polar bear
American black bear: black bear
ladybug: ladybird
walking stick: stick insect
mantis: praying mantis
admiral: red admiral butterfly
ringlet: ringlet butterfly
monarch: monarch butterfly
cabbage butterfly: cabbage white butterfly
lycaenid: gossamer-winged butterfly
Angora: Angora rabbit
sorrel: horse
hog: pig
ram: ram (sheep)
bighorn: bighorn sheep
Arabian camel: camel
guenon: guenon monkey
patas: patas monkey
langur: langur monkey
colobus: colobus monkey
capuchin: capuchin monkey
titi: titi monkey
Madagascar cat: ring-tailed lemur
indri: indri lemur
lesser panda: red panda
barracouta: snoek
coho: coho salmon
rock beauty: rock beauty (angelfish)
anemone fish: clownfish
gar: gar (fish)
puffer: pufferfish
airliner: passenger plane
amphibian: amphibious vehicle
analog clock: analogue clock
apiary: beehives
ashcan: dustbin
Band Aid: sticking plaster
bannister: banister
barrow: wheelbarrow
beach wagon: estate car
beacon: lighthouse
bearskin: bearskin hat
bell cote: bell tower
bicycle-built-for-two: tandem bicycle
binder: ring binder
bonnet: bonnet (hat)
bottlecap: bottle cap
bow: bow (weapon)
brass: memorial plaque
brassiere: bra
cab: taxi
caldron: cauldron
cardigan: cardigan
cellular telephone: mobile phone
chainlink fence: chain-link fence
chain saw: chainsaw
chest: chest (box)
chiffonier: chest of drawers
chime: wind chime
clog: clog (shoe)
coil: coil (spiral)
confectionery: sweet shop
Crock Pot: slow cooker
cuirass: body armour
dial telephone: dial telephone
diaper: nappy
dishrag: dishcloth
disk brake: disc brake
dock: harbour dock
dogsled: dog sled
drilling platform: oil rig
entertainment center: TV cabinet
file: filing cabinet
freight car: goods wagon
gasmask: gas mask
gas pump: petrol pump
golfcart: golf cart
grille: radiator grille
hair slide: hair clip
half track: half-track
hand blower: hair dryer
hand-held computer: handheld computer
hard disc: hard disk
harvester: combine harvester
home theater: home cinema
hoopskirt: hoop skirt
iron: clothes iron
jack-o'-lantern: Halloween pumpkin
jean: jeans
jersey: T-shirt
jinrikisha: rickshaw
liner: ocean liner
Loafer: loafer (shoe)
loupe: magnifying glass
lumbermill: sawmill
magnetic compass: compass
maillot (tights): leotard
maillot (swimsuit): one-piece swimsuit
mailbag: mail bag
maraca: maracas
matchstick: match
medicine chest: medicine cabinet
megalith: standing stones
microwave: microwave oven
milk can: milk churn
Model T: Ford Model T
mortar: mortar and pestle
mortarboard: graduation cap
motor scooter: scooter
mountain tent: tent
mouse: computer mouse
moving van: removal van
muzzle: dog muzzle
nail: nail (metal)
nipple: bottle teat
notebook: notebook computer
organ: pipe organ
oxcart: ox cart
paddle: paddle (oar)
paddlewheel: paddle wheel
pajama: pyjamas
panpipe: pan pipes
passenger car: railway carriage
pay-phone: payphone
pick: plectrum
pickelhaube: spiked helmet
pickup: pickup truck
ping-pong ball: table tennis ball
pinwheel: toy windmill
pirate: pirate ship
pitcher: pitcher (jug)
plane: plane (tool)
plow: plough
pop bottle: soft drink bottle
pot: flower pot
puck: ice hockey puck
quill: quill pen
racer: racing car
racket: tennis racket
recreational vehicle: motorhome
reflex camera: SLR camera
refrigerator: fridge
rubber eraser: eraser
rule: ruler
saltshaker: salt shaker
sax: saxophone
scale: weighing scales
screen: computer screen
shoji: Japanese paper screen
shopping cart: shopping trolley
slot: slot machine
snowplow: snowplough
soccer ball: football (soccer ball)
solar dish: solar collector
stole: stole (shawl)
streetcar: tram
studio couch: sofa bed
sunglass: dark glasses
swab: mop
switch: switch (electrical)
tank: tank (military)
teddy: teddy bear
thatch: thatched roof
theater curtain: theatre curtain
thresher: threshing machine
tile roof: tiled roof
tobacco shop: tobacconist
torch: torch (flame)
toyshop: toy shop
trailer truck: articulated lorry
tub: tub (vat)
upright: upright piano
vacuum: vacuum cleaner
vault: vaulted ceiling
warplane: fighter plane
washer: washing machine
whiskey jug: whisky jug
window shade: window blind
wing: aircraft wing
worm fence: split-rail fence
wreck: shipwreck
web site: web page
book jacket: book cover
consomme: clear soup
hot pot: hot pot (stew)
French loaf: baguette
hotdog: hot dog
head cabbage: cabbage
zucchini: courgette
Granny Smith: green apple
carbonara: spaghetti carbonara
meat loaf: meatloaf
potpie: pot pie
espresso: espresso coffee
alp: mountain
bubble: bubbles
promontory: headland
ballplayer: baseball player
groom: bridegroom
rapeseed: rapeseed field
yellow lady's slipper: lady's slipper orchid
hip: rose hip
buckeye: horse chestnut
agaric: agaric mushroom
gyromitra: false morel
bolete: bolete mushroom
ear: ear of corn
toilet tissue: toilet paper
"""

# General words, each with the synsets whose classes it holds. Several make one where people do not part them.
WORDS = """
animal: 00015388
mammal: 01861778
dog: 02084071
dog-like animal: 02083346
hunting dog: 02087122
terrier: 02092468
hound: 02087551
gun dog: 02098550
herding dog: 02104523
spaniel: 02101108
retriever: 02099029
setter: 02100399
poodle: 02113335
spitz: 02111626
schnauzer: 02096756
Swiss mountain dog: 02107420
pinscher: 02106966
corgi: 02112826
sled dog: 02109811
lap dog: 02085374
springer spaniel: 02101861
cat: 02121808
cat-like animal: 02120997
big cat: 02127808
bear: 02131653
fox: 02118333
wolf: 02114100
weasel or a relative: 02441326
rodent: 02329401
rabbit or hare: 02323902
rabbit: 02324045
monkey: 02484322
monkey or ape: 02469914
ape: 02470325
great ape: 02480153
gibbon or siamang: 02483092
lemur: 02496913
hoofed animal: 02370806
antelope: 02419796
pig or boar: 02395003
elephant: 02503517
whale: 02062744
sea mammal: 02062017
horse or zebra: 02374149
mongoose or meerkat: 02134971
marsupial: 01874434
bird: 01503061
water bird: 01844917
duck: 01846331
waterfowl: 01845132
wading bird: 02000954
heron: 02008041
stork: 02002075
shorebird: 02022684
sandpiper: 02026059
seabird: 02021795
bird of prey: 01604330
parrot: 01816887
grouse: 01795088
game bird: 02153203
songbird: 01525720
finch: 01529672
jay or magpie: 01578575
reptile: 01661091
snake: 01726692
viper: 01752165
rattlesnake: 01754876
boa or python: 01741562
lizard: 01674464
turtle: 01662784
sea turtle: 01663401
crocodile or alligator: 01696633
amphibian: 01627424
frog: 01639765
salamander or newt: 01629276
newt: 01630284
fish: 02512053
shark: 01482330
ray: 01495701
insect: 02159955
beetle: 02164464
butterfly: 02274259
dragonfly or damselfly: 02268148
bee or ant: 02206270
grasshopper or cricket: 02226183
cockroach or mantis: 02232951
cicada or leafhopper: 02246011
spider or other arachnid: 01769347
spider: 01772222
crustacean: 01974773
crab: 01976957
lobster: 01982650
mollusc: 01940736
snail or slug: 01942177
starfish or sea urchin: 02316707
coral or sea anemone: 01914163
flower: 11669921
mushroom or fungus: 12992868
fruit: 07705931
citrus fruit: 07747055
vegetable: 07707451
squash: 07715561
cabbage, broccoli or cauliflower: 07713395
fruit or vegetable: 07705711 07705931
food: 00021265 07555863 07705711 07705931 07881800
drink: 07881800
dish of food: 07557434 07695965
bread: 07679356
dessert: 07609840
ice cream or ice lolly: 07611358
sandwich or burger: 07695965
vehicle: 04524313
motor vehicle: 03791235
car: 02958343
lorry or van: 04490091
van: 04520170
bus: 02924116
bicycle: 02834778
locomotive: 03684823
railway vehicle: 03684823 02959942
military vehicle: 03764276
aircraft: 02686568
airship or balloon: 03666917
boat or ship: 04530566
ship: 04194289
warship: 04552696
boat: 02858304
sailing boat: 04128837 04128499
sled: 04235291
wagon or cart: 04543158 02970849
clothing: 03051540 03419014 03380867 03502509 03540267 03381126
shoe: 04199027
footwear: 03380867
headwear: 03502509
hat: 03497657
cap: 02954340
skirt: 04230808
swimwear: 04371563
tie: 03815615
coat: 03057021
sweater: 04370048
sock or stocking: 03540267
helmet: 03513137
scarf: 04143897
armour: 02739668
robe or gown: 04097866 03450516
furniture: 03405725
seat: 04161981
chair: 03001627
table: 04379243
baby bed: 02766320
cabinet: 02933112
musical instrument: 03800933
wind instrument: 04586932
woodwind: 04598582
brass instrument: 02891788
stringed instrument: 04338517
guitar: 03467517
violin or cello: 02880546
percussion instrument: 03915437
keyboard instrument: 03614532
piano: 03928116
building or structure: 04341686
building: 02913152
dwelling: 03546340 04079244 03259505
place of worship: 03953416
shop: 04202417
bridge: 02898711
fence: 03327234
roof: 04105068
monument: 03743902
curtain or blind: 02851099 03151077
electronic equipment: 03278248 03082979 03277771
computer: 03082979
portable computer: 03985232
telephone: 04401088
camera: 02942699
keyboard: 03614007
household appliance: 03528263
kitchen appliance: 03620052
lamp or light: 03636248
clock or watch: 04437953
clock: 03046257
measuring instrument: 03733925
pen: 03906997
tool: 04451818
kitchen utensil: 03621049
cooking pot or pan: 03101986 03990474 03880531
pot: 03990474
container: 03094503
bottle: 02876657
box: 02883344
bag: 02773037
basket: 02801938
jug: 03603722
bowl: 02880940
crockery: 03133538 04381994
weapon: 04565375
gun: 03467984 03343853
knife: 03623556
cloth: 03309808
towel: 04459362
toiletries or cosmetics: 04447443 03714235
ball: 02778669
sports equipment: 04285146 03414162 02778669
puzzle: 04028315
lock: 03682487
mask: 03725035
wheel: 04574999
machine: 03699975 03700963
landscape: 09287968
shore: 09433442
person: 00007846
"""

# Where WordNet's hierarchy and people part: classes (by the names above) that a word holds no longer, or as well.
LESS = """
armour: shield
bag: sleeping bag
ball: punching bag
box: mailbox
bread: meatloaf
building: beehives, home cinema
building or structure: beehives, coil (spiral), radiator grille, honeycomb, plate rack, memorial plaque, home cinema
clock or watch: parking meter
clothing: seat belt, wig
computer: slide rule, web page
container: *vehicle
cooking pot or pan: spatula
crockery: Petri dish, wooden spoon
electronic equipment: slide rule, web page
food: menu, hay
lamp or light: Halloween pumpkin
machine: abacus, car wheel, paddle wheel, toy windmill, slide rule, web page, potter's wheel
monument: memorial plaque
percussion instrument: grand piano, upright piano
sock or stocking: leotard
stringed instrument: grand piano, upright piano
vehicle: missile
wheel: toy windmill
"""
MORE = """
armour: breastplate
building: bell tower, castle, lighthouse, prison, grocery store, sawmill, bakery, barbershop, bookshop, butcher shop, \
sweet shop, shoe shop, tobacconist, toy shop, yurt
building or structure: bell tower, water tower, birdhouse, carousel, maze, oil rig, pier
clothing: cloak, spiked helmet
crockery: coffee mug, cup, plate
cup or mug: coffee mug, cup
electronic equipment: television, radio, microphone, loudspeaker, remote control, photocopier, hard disk
glasses: sunglasses, dark glasses
headwear: spiked helmet
helmet: spiked helmet
jug: pitcher (jug)
lamp or light: table lamp, lampshade, torch (flame)
maize: corn, ear of corn
mask: mask, oxygen mask
monument: obelisk, stupa, totem pole
mushroom or fungus: mushroom
paper roll: paper towel, toilet paper
plant or part of one: daisy, lady's slipper orchid, rapeseed field, corn, ear of corn, acorn, rose hip, horse chestnut
purse or wallet: purse, wallet
railway vehicle: tram, bullet train
screen: monitor, computer screen, television
shore: sandbar
shop: grocery store
sled dog: husky
sports equipment: tennis racket, ski, ice hockey puck
swimwear: leotard
tub or bath: tub (vat), bathtub
vehicle: bullet train
"""


def synsets() -> dict[str, tuple[list[str], list[str]]]:
    """Words and hypernyms of every noun synset, by id (``n`` and eight digits)."""
    found = {}
    for line in NOUNS.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):
            continue
        facts = line.split(" | ", 1)[0].split()
        count = int(facts[3], 16)
        lemmas = [facts[4 + 2 * i].replace("_", " ") for i in range(count)]
        at = 4 + 2 * count
        above = []
        for i in range(int(facts[at])):
            symbol, offset, part, _ = facts[at + 1 + 4 * i : at + 5 + 4 * i]
            if symbol in ("@", "@i") and part == "n":
                above.append(f"n{offset}")
        found[f"n{facts[0]}"] = (lemmas, above)
    return found


def ancestors(of: str, known: dict[str, tuple[list[str], list[str]]]) -> set[str]:
    """Every synset above ``of``."""
    found: set[str] = set()
    waiting = [of]
    while waiting:
        for above in known[waiting.pop()][1]:
            if above not in found:
                found.add(above)
                waiting.append(above)
    return found


def lines(text: str) -> Iterator[tuple[str, str]]:
    """The pairs of one of the tables above."""
    for line in text.strip().splitlines():
        name, _, value = line.partition(": ")
        yield name, value


def main(target: str = str(ROOT / "resources" / "words.json")) -> int:
    """Write the table; prints which classes no word holds. Returns the exit status."""
    known = synsets()
    described = json.loads((ROOT / "model_store" / "vgg16-imagenet" / "model.json").read_text(encoding="utf-8"))
    ids, labels = described["label_ids"], described["labels"]
    said = dict(lines(NAMES))
    if unknown := said.keys() - set(labels):
        print("no such class:", sorted(unknown), file=sys.stderr)
        return 1
    names = {each: said.get(label, label) for each, label in zip(ids, labels, strict=True)}
    if len(set(names.values())) != len(names):
        print("two names are alike", file=sys.stderr)
        return 1
    above = {each: ancestors(each, known) for each in ids}
    by_name = {name: each for each, name in names.items()}
    words: dict[str, set[str]] = {}
    for word, listed in lines(WORDS):
        wanted = {f"n{offset}" for offset in listed.split()}
        if unknown := wanted - known.keys():
            print("no such synset:", word, sorted(unknown), file=sys.stderr)
            return 1
        words[word] = {each for each in ids if above[each] & wanted}
    for word, listed in lines(MORE):
        words.setdefault(word, set()).update(by_name[name] for name in listed.split(", "))
    for word, listed in lines(LESS):
        for name in listed.split(", "):
            gone = words[name[1:]] if name.startswith("*") else {by_name[name]}
            if not words[word] & gone:
                print("nothing to leave out:", word, name, file=sys.stderr)
                return 1
            words[word] -= gone
    if small := [word for word, held in words.items() if len(held) < 2]:
        print("words for fewer than two classes:", small, file=sys.stderr)
        return 1
    document = {
        "schema": 1,
        "source": "WordNet 3.0, Copyright 2006 by Princeton University; hypernyms of the 1,000 synsets of ILSVRC-2012",
        "names": names,
        "words": {word: sorted(held) for word, held in words.items()},
    }
    text = json.dumps(document, indent=None, separators=(",", ":"), ensure_ascii=False)
    text = text.replace('},"words":{', '},\n"words":{').replace('],"', '],\n"') + "\n"
    Path(target).write_text(text, encoding="utf-8", newline="\n")
    alone = [names[each] for each in ids if not any(each in held for held in words.values())]
    print(f"{len(words)} words, {len(alone)} classes without one: {', '.join(alone)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
